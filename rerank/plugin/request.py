"""What of a search request must change so that its hits can be reranked, and which requests cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from resift.rerank.plugin.query_text import query_text
from resift.retrieval.engine.query import with_window

_DEFAULT_SIZE = 10
_LARGEST_PAGE = 10_000  # index.max_result_window, unless somebody raised it
_SOURCE_PARAMETERS = ("source_includes", "source_excludes", "_source_includes", "_source_excludes")


@dataclass(frozen=True, slots=True)
class Plan:
    """How one search is reranked; `reason` tells why it is passed through instead.

    `changes`: what is set in the request. `start`, `size`: the page that was asked for. `added`: source fields that
    were not asked for, and are taken out of the hits again; `bare`: no source was asked for at all. `joins`: several
    rankings are joined, so that a larger window makes another order.
    """

    reason: str = ""
    text: str = ""
    start: int = 0
    size: int = _DEFAULT_SIZE
    changes: Mapping[str, Any] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    bare: bool = False
    joins: bool = False


def plan(request: Mapping[str, Any], fields: Sequence[str], window: int, text: str | None = None) -> Plan:
    """Return how `request` (a search body, or the client's keyword arguments laid over one) is reranked."""
    try:
        start, size = int(request.get("from") or 0), int(request.get("size", _DEFAULT_SIZE))
    except (TypeError, ValueError):
        return Plan("from or size is no number")
    words = text or query_text(request)
    reason = _refusal(request) or _page_refusal(start, size, window)
    if not reason and not words.strip():
        reason = "no query text was found; give query_text"
    if reason:
        return Plan(reason)
    changes: dict[str, Any] = {"from": 0, "size": max(window, start + size)}
    if "retriever" in request:
        changes["retriever"] = with_window(request["retriever"], changes["size"])
    added: tuple[str, ...] = ()
    stored = request.get("stored_fields")
    asked = request.get("_source", False if stored is not None and "_source" not in _list(stored) else None)
    if asked is False or (asked is not None and asked is not True and asked not in ("", [], ())):
        source, added, reason = _source(asked, fields)
        if reason:
            return Plan(reason)
        changes["_source"] = source
    query = request.get("query")
    joins = "retriever" in request or "knn" in request or (isinstance(query, Mapping) and "hybrid" in query)
    return Plan("", words, start, size, changes, added, asked is False, joins)


def _refusal(request: Mapping[str, Any]) -> str:
    sort = request.get("sort")
    if sort and sort not in ("_score", ["_score"], [{"_score": "desc"}], [{"_score": {"order": "desc"}}]):
        return "the hits are sorted by a field"
    for name in ("scroll", "search_after", "slice"):
        if request.get(name):
            return f"{name} goes through all hits in the engine's order"
    if "_none_" in _list(request.get("stored_fields") or ()):
        return "stored_fields leaves out the source, which the model reads"
    if request.get("filter_path"):
        return "filter_path leaves out what is needed for an order"
    if any(request.get(name) for name in _SOURCE_PARAMETERS):
        return "source_includes and source_excludes are not understood; use _source"
    return ""


def _page_refusal(start: int, size: int, window: int) -> str:
    if size == 0:
        return "no hits are asked for (size 0)"
    if start < 0 or size < 0:
        return "from or size is below 0"
    if start >= window:
        return "the page lies beyond the window, where the order is the engine's"
    if start + size > max(_LARGEST_PAGE, window):
        return "the page lies beyond the first 10,000 hits"
    return ""


def _source(asked: Any, fields: Sequence[str]) -> tuple[Any, tuple[str, ...], str]:  # noqa: ANN401
    """Return (the source to ask for, the fields added, why it cannot be)."""
    if asked is False:
        return list(fields) or True, (), ""
    if isinstance(asked, Mapping):
        excluded = _list(asked.get("excludes", asked.get("exclude", [])))
        left_out = next((name for name in fields if _covered(name, excluded) or _inside(name, excluded)), "")
        if left_out:
            return asked, (), f"_source leaves out {left_out}, which the model reads"
        included = asked.get("includes", asked.get("include"))
        if not included:
            return asked, (), ""
        added, reason = _added(_list(included), fields)
        rest = {name: value for name, value in asked.items() if name not in ("includes", "include")}
        return {**rest, "includes": [*_list(included), *added]}, added, reason
    added, reason = _added(_list(asked), fields)
    return [*_list(asked), *added], added, reason


def _added(asked: Sequence[str], fields: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Return the fields that must be asked for besides, and why they could not be taken out again."""
    added = tuple(name for name in fields if not _covered(name, asked))
    part = next((name for name in added if _inside(name, asked)), "")
    return added, f"_source asks for a part of {part}, which the model reads whole" if part else ""


def _list(names: Any) -> list[str]:  # noqa: ANN401
    return [names] if isinstance(names, str) else [str(name) for name in names]


def _covered(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern takes in the whole field `name`."""
    return any(fnmatchcase(name, one) or name.startswith(f"{one}.") for one in patterns)


def _inside(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern takes in a part of the field `name`."""
    return any(one.startswith(f"{name}.") for one in patterns)
