"""The rerank service that an engine is to call: its address, its key, and whether it answers."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from resift.rerank.scorers.server_address import read_address
from resift.retrieval.errors import ModelError, SettingsError

_PAIRS = [("what do cats eat", "Dogs bark at night."), ("what do cats eat", "Cats live on meat and fish.")]
_SECONDS = 15.0  # to answer one small request, with retries


@dataclass(frozen=True, slots=True)
class Service:
    """A rerank service.

    `base`: its URL up to the paths of the API. `model`: the name of one of its models, "" for its default. `key`: ""
    if it needs none; neither repr nor str shows it.
    """

    base: str
    model: str = ""
    key: str = field(default="", repr=False)

    @property
    def rerank_url(self) -> str:
        """The URL that OpenSearch's connector, and Elasticsearch's services openshift_ai and custom, call."""
        return f"{self.base}/v1/rerank"

    @property
    def tei_url(self) -> str:
        """The URL that Elasticsearch's service hugging_face calls."""
        return f"{self.base}/rerank"

    @property
    def host(self) -> str:
        """The name of the host, without the port."""
        return urlsplit(self.base).hostname or ""

    def __str__(self) -> str:
        """Return the address with the model, as it is given."""
        return f"{self.base}#{self.model}" if self.model else self.base


def read_service(text: str, key: str = "") -> Service:
    """Parse the address of a service, http(s)://HOST[:PORT][/PATH][#MODEL]. Raises SettingsError."""
    try:
        address = read_address(text)
    except SettingsError as error:
        message = str(error).removeprefix("model: ").replace("[DIALECT+]", "")
        raise SettingsError(message, "service") from None
    if address.dialect not in (None, "resift"):
        raise SettingsError(f"{text!r} is not a service of resift; expected http(s)://HOST:PORT", "service")
    return Service(address.base, address.model or "", key)


def read_key(file: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """Return the key of the service: the text of `file`, else that of RESIFT_MODEL_API_KEY; "" if there is none.

    Raises SettingsError if the file cannot be read, or if an HTTP header cannot hold the key.
    """
    source = "service_key_file" if file else "RESIFT_MODEL_API_KEY"
    key = environment.get("RESIFT_MODEL_API_KEY", "").strip()
    if file:
        try:
            key = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} cannot be read: {getattr(error, 'strerror', error)}", source) from None
        if not key:
            raise SettingsError(f"{file} is empty; expected the key of the service", source)
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsError("expected one key without blanks, which an HTTP header can hold", source)
    return key


def check_service(service: Service) -> tuple[str, ...]:
    """Ask the service what it is and for two scores; return the codes of the languages that its model reads.

    Raises ModelError if it cannot be reached, is not resift's, lacks the model, or refuses the key, and SettingsError
    if the certificates or the key cannot be used.
    """
    from resift.rerank.scorers.remote.scorer import RemoteScorer
    from resift.rerank.scorers.settings import ScorerSettings

    settings = ScorerSettings(model_timeout=_SECONDS)
    try:
        with RemoteScorer(f"resift+{service}", settings, str(service), api_key=service.key) as scorer:
            scorer.predict(_PAIRS)
            return scorer.folder.languages
    except ModelError as error:
        message = str(error).removeprefix(f"{service}: ").replace(", or name another dialect", "")
        if "cannot be reached" in message:
            message += "; start the service with `resift serve`, or correct the address"
        sources = "RESIFT_MODEL_API_KEY or `service_key_file`"
        raise ModelError(re.sub(r"\bin api_key\b", f"in {sources}", message), str(service)) from None


def origin(url: str) -> tuple[str, str, int | None]:
    """Return the scheme, the host and the port of an http or https URL; a URL without a usable port has None.

    >>> origin("http://Reranker/v1/rerank")
    ('http', 'reranker', 80)
    """
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme, parts.hostname or "", port


def is_private(host: str) -> tuple[bool, str]:
    """Return whether OpenSearch would call `host` a private address, and the reason in a few words.

    A host that cannot be resolved here counts as private, because the engine's nodes may resolve it to such an address.
    """
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return True, f"{host} cannot be resolved on this machine, so that it may be a private address"
    for one in sorted(map(str, found)):
        address = ipaddress.ip_address(one.partition("%")[0])
        if not address.is_global:
            return True, f"{host} is the private address {one}" if one != host else f"{one} is a private address"
    return False, ""
