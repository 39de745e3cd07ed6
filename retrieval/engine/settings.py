"""Settings of the connection to a search engine and of a search in it; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

FLAVOURS = ("auto", "elasticsearch", "opensearch")


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How to connect to an engine. Secrets are not settings: see `credentials`. Raises SettingsError."""

    flavour: str = setting(
        "auto",
        "Elasticsearch or OpenSearch; auto detects it, which needs the right to call GET /.",
        choices=FLAVOURS,
    )
    cloud_id: str | None = setting(None, "The Cloud ID of an Elastic Cloud deployment; write the index as cloud:NAME.")
    credentials: str | None = setting(
        None, "A TOML file with username, password, api_key or bearer_token, instead of the RESIFT_* variables."
    )
    ask_password: bool = setting(False, "Prompt for the password at the terminal.")
    ca_certs: str | None = setting(
        None, "A PEM file with the certificate of the authority that signed the engine's certificate."
    )
    client_cert: str | None = setting(None, "A PEM file with a client certificate.")
    client_key: str | None = setting(None, "A PEM file with the key of the client certificate.")
    fingerprint: str | None = setting(
        None, "The SHA-256 fingerprint of the engine's certificate, instead of --ca-certs."
    )
    verify_certs: bool = setting(True, "Reject a certificate that is not trusted.")
    aws_region: str | None = setting(None, "Sign requests with AWS Signature Version 4 for this region (OpenSearch).")
    aws_service: str = setting("es", "The AWS service to sign for: es, or aoss for serverless.")
    request_timeout: float = setting(30.0, "Seconds to wait for the response to a request.")
    max_retries: int = setting(5, "Maximum number of retries after 429, 502, 503, 504 or a lost connection.")

    def __post_init__(self) -> None:
        if self.flavour not in FLAVOURS:
            raise SettingsError(f"{self.flavour!r} is not known; expected one of {', '.join(FLAVOURS)}", "flavour")
        if not self.request_timeout > 0:
            raise SettingsError(f"{self.request_timeout} is not above 0; expected seconds", "request_timeout")
        if self.max_retries < 0:
            raise SettingsError(f"{self.max_retries} is below 0; expected 0 or more", "max_retries")
        if self.client_key and not self.client_cert:
            raise SettingsError("`client_key` is given without `client_cert`; give both", "client_key")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How to search an index of an engine, and which fields form a document's text. Raises SettingsError."""

    search_fields: str | None = setting(
        None,
        "A field to search, with an optional boost: title^3; repeat it, or use commas. If not given, chosen by names "
        "and samples.",
        flag="field",
        repeatable=True,
    )
    source_title: str | None = setting(
        None, "The field with a document's title; detected by its name if not given, and none if it is empty."
    )
    source_text: str | None = setting(
        None,
        "The fields that form a document's text, comma-separated; if not given, the searched fields without the title.",
    )
    query_file: str | None = setting(
        None, "A JSON file with your own search body, with {{query}} in place of the query's text."
    )
    filter: str | None = setting(
        None,
        "A filter that every hit must match: field=value, or a JSON query clause; repeat it for several.",
        repeatable=True,
        separator="\n",
    )
    allow_partial: bool = setting(False, "Accept the hits of the other shards if a shard does not respond.")

    def __post_init__(self) -> None:
        if self.query_file and self.search_fields:
            raise SettingsError("your own search body names its fields itself; leave out `search_fields`", "query_file")


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """Options for opening an index; the embedded first stage needs none of them.

    `ask` maps a prompt to the password that the user types. `fields`: fields to read besides title and text, "*" for
    all. `languages`: the ISO 639-1 codes of those that the model reads, preferred among fields of several languages.
    """

    connection: ConnectionSettings = ConnectionSettings()
    engine: EngineSettings = EngineSettings()
    ask: Callable[[str], str] | None = None
    fields: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
