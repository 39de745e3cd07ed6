"""The settings of a search engine's connection and of a search in it, cheap to list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

FLAVOURS = ("auto", "elasticsearch", "opensearch")


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How an engine is reached. Secrets are not settings: see `credentials`. Raises SettingsError."""

    flavour: str = setting(
        "auto",
        "Which engine answers; auto asks it, which a user without the right to call GET / cannot.",
        choices=FLAVOURS,
    )
    cloud_id: str | None = setting(None, "The Cloud ID of an Elastic Cloud deployment; the index is then cloud:NAME.")
    credentials: str | None = setting(
        None, "A TOML file with username, password, api_key or bearer_token, as the RESIFT_* variables of these names."
    )
    ask_password: bool = setting(False, "Ask for the password at the terminal.")
    ca_certs: str | None = setting(None, "A PEM file of the authority that signed the engine's certificate.")
    client_cert: str | None = setting(None, "A PEM file with a client certificate.")
    client_key: str | None = setting(None, "A PEM file with the key of the client certificate.")
    fingerprint: str | None = setting(None, "The SHA-256 fingerprint of the engine's certificate, instead of its CA.")
    verify_certs: bool = setting(True, "Refuse a certificate that cannot be trusted.")
    aws_region: str | None = setting(None, "Sign requests with AWS Signature Version 4 for this region (OpenSearch).")
    aws_service: str = setting("es", "The AWS service to sign for: es, or aoss for serverless.")
    request_timeout: float = setting(30.0, "Seconds that one request may take.")
    max_retries: int = setting(5, "How often a request is repeated after 429, 502, 503, 504 or a lost connection.")

    def __post_init__(self) -> None:
        if self.flavour not in FLAVOURS:
            raise SettingsError(f"{self.flavour!r} is not known; expected one of {', '.join(FLAVOURS)}", "flavour")
        if not self.request_timeout > 0:
            raise SettingsError(f"{self.request_timeout} is not above 0; expected seconds", "request_timeout")
        if self.max_retries < 0:
            raise SettingsError(f"{self.max_retries} is below 0", "max_retries")
        if self.client_key and not self.client_cert:
            raise SettingsError("there is no --client-cert that it belongs to; give both", "client_key")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How an engine's index is searched, and which of its fields make a document's text. Raises SettingsError."""

    search_fields: str | None = setting(
        None,
        "A field to search, with its boost: title^3; repeat it, or use commas. All text fields if not given.",
        flag="field",
        repeatable=True,
    )
    source_title: str | None = setting(None, "The field that is a document's title; found by its name if not given.")
    source_text: str | None = setting(
        None, "The fields that make a document's text, with commas; the searched ones but the title if not given."
    )
    query_file: str | None = setting(None, "A JSON search body of your own, with {{query}} where the text goes.")
    filter: str | None = setting(None, "A JSON query clause that every hit must fulfil, or field=value.")
    allow_partial: bool = setting(False, "Take what the other shards found where a shard does not answer.")
    html: str = setting(
        "auto",
        "Tags in texts: auto strips them from texts that have some; strip; keep.",
        choices=("auto", "strip", "keep"),
    )

    def __post_init__(self) -> None:
        if self.html not in ("auto", "strip", "keep"):
            raise SettingsError(f"{self.html!r} is not known; expected auto, strip or keep", "html")
        if self.query_file and self.search_fields:
            raise SettingsError("a body of your own names its fields itself; leave out --field", "query_file")


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """With what an index is opened; the embedded one needs none of it.

    `ask` is asked for a password. `fields`: what of a document is wanted besides its title and text.
    """

    connection: ConnectionSettings = ConnectionSettings()
    engine: EngineSettings = EngineSettings()
    ask: Callable[[str], str] | None = None
    fields: tuple[str, ...] = ()
