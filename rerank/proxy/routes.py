"""Which requests are searches that the proxy understands, and of which indices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import unquote

Kind = Literal["search", "msearch", "template", "point in time", "not supported"]

_KINDS: dict[str, Kind] = {
    "_search": "search",
    "_msearch": "msearch",
    "_search/template": "template",
    "_pit": "point in time",
    "_search/point_in_time": "point in time",
    "_async_search": "not supported",
    "_msearch/template": "not supported",
}
_METHODS = {b"GET", b"POST"}


@dataclass(frozen=True, slots=True)
class Route:
    """A search, or what belongs to one. `index`: as in the path, decoded; "" if the path does not name any."""

    kind: Kind
    index: str

    def of(self, index: str) -> Route:
        """Return the same route for other indices."""
        return replace(self, index=index)


def find_route(method: bytes, path: bytes) -> Route | None:
    """Return the route of a request, None if it is not a search.

    >>> find_route(b"POST", b"/articles/_search"), find_route(b"GET", b"/articles/_doc/1")
    (Route(kind='search', index='articles'), None)
    """
    if (b"search" not in path and b"_pit" not in path) or method not in _METHODS:
        return None
    parts = [unquote(part, errors="replace") for part in path.decode("latin-1").strip("/").split("/")]
    named = bool(parts) and not parts[0].startswith("_")
    kind = _KINDS.get("/".join(parts[1:] if named or parts[0] == "_all" else parts))
    if kind is None or (kind == "point in time" and (method != b"POST" or not parts[1:])):
        return None
    return Route(kind, parts[0] if named or parts[0] == "_all" else "")
