"""The address of a model on a server: `[DIALECT+]http(s)://HOST[:PORT][/PATH][#MODEL]`, given as a model's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion
from resift.retrieval.text import shorten

DIALECTS = ("resift", "tei", "cohere", "cohere-v1", "jina", "voyage", "vllm", "infinity")
"""The names of the APIs that a server can have; `resift.rerank.scorers.remote.dialects` has what they mean."""

VENDORS = {
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.jina.ai": "jina",
    "api.voyageai.com": "voyage",
}
"""Host of a vendor -> the dialect that it speaks."""

_ADDRESS = re.compile(r"(?:(?P<dialect>[\w.-]+)\+)?https?://", re.IGNORECASE)
_ENDPOINT = re.compile(r"(?:/v[12])?/(?:rerank|score)$")
_FORM = "expected [DIALECT+]http(s)://HOST[:PORT][/PATH][#MODEL]"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server that scores pairs, and a model on it.

    `dialect`: the name of its API, None if the server is to be asked. `base`: its URL up to the paths of the API,
    without a slash at the end. `endpoint`: the path of the one route that the user named, "" if only the base is given.
    `model`: the name of the model on the server, None if it is not given. None of them contains a secret.
    """

    dialect: str | None
    base: str
    endpoint: str = ""
    model: str | None = None

    @property
    def host(self) -> str:
        """The name of the host in lower case, without the port."""
        return urlsplit(self.base).hostname or ""


def is_address(model: str) -> bool:
    """Return whether the name of a model is the address of a server.

    >>> is_address("cohere+https://api.cohere.com#rerank-v3.5"), is_address("org/name")
    (True, False)
    """
    return _ADDRESS.match(model) is not None


def read_address(text: str) -> ServerAddress:
    """Parse an address; the dialect of a known vendor's host need not be named. Raises SettingsError.

    No message quotes an address in which a password or a key could be.

    >>> read_address("tei+http://gpu:8080/models/rerank")
    ServerAddress(dialect='tei', base='http://gpu:8080/models', endpoint='/rerank', model=None)
    """
    found = _ADDRESS.match(text)
    if found is None:
        raise SettingsError(f"{shorten(text, 80)!r} is not the address of a server; {_FORM}", "model")
    dialect = found["dialect"]
    parts = _split(text[len(dialect) + 1 :] if dialect else text)
    if dialect is not None and dialect not in DIALECTS:
        near = suggestion(dialect, DIALECTS)
        raise SettingsError(f"{dialect!r} is not a dialect{near}; expected {', '.join(DIALECTS)}", "model")
    path = parts.path.rstrip("/")
    endpoint = _ENDPOINT.search(path)
    base = f"{parts.scheme}://{parts.netloc.lower()}{path[: endpoint.start()] if endpoint else path}"
    route = endpoint.group() if endpoint else ""
    known = VENDORS.get(parts.hostname or "")
    if dialect is None and known == "cohere" and route.startswith("/v1"):
        known = "cohere-v1"
    return ServerAddress(dialect or known, base, route, unquote(parts.fragment) or None)


def _split(url: str) -> SplitResult:
    """Return the parts of a URL. Raises SettingsError for a URL that is wrong, or that contains a secret."""
    if "@" in url.partition("#")[0] or "?" in url:
        raise SettingsError(
            "the address contains a user name, a password or a query (`@`, `?`), which others could see; set the key "
            "in RESIFT_MODEL_API_KEY",
            "model",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    if not re.fullmatch(r"[\w.-]+|[0-9a-f:.]+", parts.hostname or "") or port == 0 or re.search(r"[\s\\]", url):
        raise SettingsError(f"{shorten(url, 80)!r} is not the address of a server; {_FORM}", "model")
    return parts
