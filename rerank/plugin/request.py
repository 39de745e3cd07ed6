"""Plan how a search request is reranked: what is changed in it, or why it is passed through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from resift.rerank.plugin.query_text import query_text
from resift.retrieval.engine.query import with_window

_DEFAULT_SIZE = 10
_LARGEST_PAGE = 10_000  # the default of index.max_result_window
_SOURCE_PARAMETERS = ("source_includes", "source_excludes", "_source_includes", "_source_excludes")


@dataclass(frozen=True, slots=True)
class Plan:
    """How one search is reranked.

    `text`: the query's text. `start`, `size`: the requested page. `changes`: what is set in the request. `added`:
    source fields that are fetched for the model and removed from the hits again. `source_suppressed`: the request
    asks for no source. `combines_rankings`: the request combines several rankings, so that a larger window changes the
    engine's own order.
    """

    text: str
    start: int
    size: int
    changes: Mapping[str, Any]
    added: tuple[str, ...] = ()
    source_suppressed: bool = False
    combines_rankings: bool = False


@dataclass(frozen=True, slots=True)
class PassThrough:
    """One search is sent unchanged and not reranked, for this `reason`."""

    reason: str


def plan(request: Mapping[str, Any], fields: Sequence[str], window: int, text: str | None = None) -> Plan | PassThrough:
    """Return how `request` (a search body, or the client's keyword arguments laid over one) is reranked.

    `fields`: what the model reads of a hit. `window`: how many hits it rescores. `text`: the query's text if it is
    given; else it is taken from the request.
    """
    try:
        start, size = int(request.get("from") or 0), int(request.get("size", _DEFAULT_SIZE))
    except (TypeError, ValueError):
        return PassThrough("from or size is not a number")
    words = text or query_text(request)
    reason = _refusal(request) or _page_refusal(start, size, window)
    if not reason and not words.strip():
        reason = "no query text was found; pass query_text"
    if reason:
        return PassThrough(reason)
    changes: dict[str, Any] = {"from": 0, "size": max(window, start + size)}
    if "retriever" in request:
        changes["retriever"] = with_window(request["retriever"], changes["size"])
    added: tuple[str, ...] = ()
    stored = request.get("stored_fields")
    requested = request.get("_source", False if stored is not None and "_source" not in _list(stored) else None)
    if requested is False or (requested is not None and requested is not True and requested not in ("", [], ())):
        source, added, reason = _source(requested, fields)
        if reason:
            return PassThrough(reason)
        changes["_source"] = source
    query = request.get("query")
    combines = "retriever" in request or "knn" in request or (isinstance(query, Mapping) and "hybrid" in query)
    return Plan(
        text=words,
        start=start,
        size=size,
        changes=changes,
        added=added,
        source_suppressed=requested is False,
        combines_rankings=combines,
    )


def _refusal(request: Mapping[str, Any]) -> str:
    sort = request.get("sort")
    if sort and sort not in ("_score", ["_score"], [{"_score": "desc"}], [{"_score": {"order": "desc"}}]):
        return "the hits are sorted by a field"
    for name in ("scroll", "search_after", "slice"):
        if request.get(name):
            return f"{name} reads all hits in the engine's order"
    if "_none_" in _list(request.get("stored_fields") or ()):
        return "stored_fields leaves out the source, which the model reads"
    if request.get("filter_path"):
        return "filter_path leaves out what reranking needs"
    if any(request.get(name) for name in _SOURCE_PARAMETERS):
        return "source_includes and source_excludes are not supported; use _source"
    return ""


def _page_refusal(start: int, size: int, window: int) -> str:
    if size == 0:
        return "no hits are requested (size 0)"
    if start < 0 or size < 0:
        return "from or size is below 0"
    if start >= window:
        return "the page is beyond the window, which alone is reranked"
    if start + size > max(_LARGEST_PAGE, window):
        return "the page is beyond the first 10,000 hits"
    return ""


def _source(requested: Any, fields: Sequence[str]) -> tuple[Any, tuple[str, ...], str]:  # noqa: ANN401
    """Return (the source to request, the fields added to it, why it cannot be done)."""
    if requested is False:
        return list(fields) or True, (), ""
    if isinstance(requested, Mapping):
        excluded = _list(requested.get("excludes", requested.get("exclude", [])))
        left_out = next((name for name in fields if _covered(name, excluded) or _inside(name, excluded)), "")
        if left_out:
            return requested, (), f"_source leaves out {left_out}, which the model reads"
        included = requested.get("includes", requested.get("include"))
        if not included:
            return requested, (), ""
        added, reason = _added(_list(included), fields)
        rest = {name: value for name, value in requested.items() if name not in ("includes", "include")}
        return {**rest, "includes": [*_list(included), *added]}, added, reason
    added, reason = _added(_list(requested), fields)
    return [*_list(requested), *added], added, reason


def _added(requested: Sequence[str], fields: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Return the fields that must be requested besides, and why they could not be removed again."""
    added = tuple(name for name in fields if not _covered(name, requested))
    part = next((name for name in added if _inside(name, requested)), "")
    return added, f"_source requests a part of {part}; the model needs the whole field" if part else ""


def _list(names: Any) -> list[str]:  # noqa: ANN401
    return [names] if isinstance(names, str) else [str(name) for name in names]


def _covered(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a pattern covers the whole field `name`."""
    return any(fnmatchcase(name, one) or name.startswith(f"{one}.") for one in patterns)


def _inside(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a pattern covers a part of the field `name`."""
    return any(one.startswith(f"{name}.") for one in patterns)
