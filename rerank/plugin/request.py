"""What of a search request must change so that its hits can be reranked, and which requests cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rerank.plugin.query_text import query_text
from retrieval.engine_query import with_window

_DEFAULT_SIZE = 10
_LARGEST_PAGE = 10_000  # index.max_result_window, unless somebody raised it
_BODY_NAMES = {"from_": "from", "source": "_source"}  # how the Elasticsearch client spells what is no Python name


@dataclass(frozen=True, slots=True)
class Plan:
    """How one search is reranked; `reason` tells why it is passed through instead.

    `changes`: what is set in the request. `start`, `size`: the page that was asked for. `added`: source fields that
    were not asked for, and are taken out of the hits again; `bare`: no source was asked for at all.
    """

    reason: str = ""
    text: str = ""
    start: int = 0
    size: int = _DEFAULT_SIZE
    changes: Mapping[str, Any] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    bare: bool = False


def plan(request: Mapping[str, Any], fields: Sequence[str], window: int, text: str | None = None) -> Plan:
    """Return how `request` (a search body, or the client's keyword arguments laid over one) is reranked."""
    reason = _refusal(request)
    words = text or query_text(request)
    if not reason and not words.strip():
        reason = "no query text was found; give query_text"
    try:
        start, size = int(request.get("from") or 0), int(request.get("size", _DEFAULT_SIZE))
    except (TypeError, ValueError):
        return Plan("from or size is no number")
    if not reason and start + size > max(_LARGEST_PAGE, window):
        reason = "the page lies beyond the first 10,000 hits"
    if reason:
        return Plan(reason)
    changes: dict[str, Any] = {"from": 0, "size": max(window, start + size)}
    if "retriever" in request:
        changes["retriever"] = with_window(request["retriever"], changes["size"])
    added: tuple[str, ...] = ()
    asked = request.get("_source", False if request.get("stored_fields") else None)
    if asked is not None and asked is not True:
        source, added, excluded = _source(asked, fields)
        if excluded:
            return Plan(f"_source leaves out {excluded}, which the model reads")
        changes["_source"] = source
    return Plan("", words, start, size, changes, added, asked is False)


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
    if request.get("size") == 0:
        return "no hits are asked for (size 0)"
    if request.get("source_includes") or request.get("_source_includes") or request.get("_source_excludes"):
        return "source_includes and source_excludes are not understood; use _source"
    return ""


def _source(asked: Any, fields: Sequence[str]) -> tuple[Any, tuple[str, ...], str]:  # noqa: ANN401
    """Return (the source to ask for, the fields added, the first field that the request leaves out on purpose)."""
    if asked is False:
        return list(fields) or True, (), ""
    if isinstance(asked, Mapping):
        excluded = asked.get("excludes", asked.get("exclude", []))
        left_out = next((name for name in fields if _covered(name, _list(excluded))), "")
        included = asked.get("includes", asked.get("include"))
        if included is None:
            return asked, (), left_out
        added = tuple(name for name in fields if not _covered(name, _list(included)))
        return {**asked, "includes": [*_list(included), *added]}, added, left_out
    added = tuple(name for name in fields if not _covered(name, _list(asked)))
    return [*_list(asked), *added], added, ""


def _list(names: Any) -> list[str]:  # noqa: ANN401
    return [one for name in ([names] if isinstance(names, str) else names) for one in str(name).split(",")]


def _covered(name: str, patterns: Sequence[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, one) or name.startswith(f"{one}.") for one in patterns)


def laid_over(body: Mapping[str, Any] | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a search as one mapping with the body's names: the keyword arguments win over the body."""
    renamed = {_BODY_NAMES.get(name, name): value for name, value in arguments.items() if value is not None}
    return {**(body or {}), **renamed}
