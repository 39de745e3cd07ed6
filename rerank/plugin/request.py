"""Plan how a search request is reranked: what is changed in it, or why it is passed through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resift.rerank.plugin.query_text import query_text
from resift.rerank.plugin.size_defaults import (
    contains,
    largest_window,
    matches_follow_size,
    order_follows_size,
    page_size,
    with_size,
)
from resift.rerank.plugin.sort_order import has_sort_values, is_by_score
from resift.rerank.plugin.sources import Reading, by_fields, reading

_LARGEST_PAGE = 10_000  # the default of index.max_result_window

NO_TEXT = "no query text was found; pass query_text"
"""Why a search without words is passed through, for those who can pass them."""
REMOVED = None
"""In the changes of a request: the value of what is removed from it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How one search is reranked.

    `text`: the query's text. `start`, `size`: the requested page. `enlarged`: what is set for the window. `reading`:
    how the model's text is read from the hits. `window`: how many hits are reranked at most. `after`: the sort values
    behind which the page begins, None if it begins at `start`. `pinned`: the ids that the request pins to the top.
    `order_follows_size`: a larger window may change the engine's own order. `matches_follow_size`: it also changes
    what matches. `has_top_hits`: the aggregations return hits, which Elasticsearch gives the requested fields as well.
    """

    text: str
    start: int
    size: int
    enlarged: Mapping[str, Any]
    reading: Reading
    window: int
    after: tuple[Any, ...] | None = None
    pinned: tuple[str, ...] = ()
    order_follows_size: bool = False
    matches_follow_size: bool = False
    has_top_hits: bool = False

    @property
    def changes_more(self) -> bool:
        """Whether the changes show in other parts of the response than the hits."""
        return self.matches_follow_size or (self.has_top_hits and bool(self.reading.added_fields))

    @property
    def changes_own_hits(self) -> bool:
        """Whether the hits of the changed request are others than those of the application's own, or look different."""
        return self.order_follows_size or self.changes_more

    @property
    def changes(self) -> dict[str, Any]:
        """What is set in the request; `REMOVED` is what is taken out of it."""
        return {**self.enlarged, **self.reading.changes}

    def with_fields(self, request: Mapping[str, Any], kind: str) -> Plan:
        """Return the plan in which the text is also read from `kind` of the hits, as `by_fields` takes it."""
        return replace(self, reading=by_fields(request, self.reading, kind))


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
        if any(isinstance(request[name], bool | None) for name in ("from", "size") if name in request):
            raise TypeError("the engines refuse it")
        start, size = int(request.get("from") or 0), page_size(request)
    except (TypeError, ValueError):
        return PassThrough("from or size is not a number")
    words = text or query_text(request, fields)
    after = request.get("search_after")
    reason = _refusal(request) or _after_refusal(request, start) or _page_refusal(start, size, window)
    if not reason and not words.strip():
        reason = NO_TEXT
    if reason:
        return PassThrough(reason)
    return Plan(
        text=words,
        start=start,
        size=size,
        enlarged=_enlarged(request, start, size, window),
        reading=reading(request, fields),
        window=window,
        after=None if after is None else tuple(after),
        pinned=_pinned(request),
        order_follows_size=after is not None or order_follows_size(request),
        matches_follow_size=matches_follow_size(request),
        has_top_hits=any(contains(request.get(name), {"top_hits"}) for name in ("aggs", "aggregations")),
    )


def _enlarged(request: Mapping[str, Any], start: int, size: int, window: int) -> dict[str, Any]:
    """Return the changes by which the whole window is requested, as far as the request's retrievers give it."""
    after = request.get("search_after") is not None
    wanted, limit = window + size if after else max(window, start + size), largest_window(request)
    changes = with_size(request, size, wanted if limit is None else max(size, min(wanted, limit)))
    return {**changes, "search_after": REMOVED} if after else changes


def _refusal(request: Mapping[str, Any]) -> str:
    if not is_by_score(request.get("sort")):
        return "the hits are sorted by a field"
    if request.get("search_after") and not _pages_by_sort_values(request):
        return "search_after without a sort by score and another field reads all hits in the engine's order"
    for name in ("scroll", "slice"):
        if request.get(name):
            return f"{name} reads all hits in the engine's order"
    stored = request.get("stored_fields") or ()
    if "_none_" in ([stored] if isinstance(stored, str) else stored):
        return "stored_fields leaves out the source, which the model reads"
    if request.get("filter_path"):
        return "filter_path leaves out what reranking needs"
    hybrid = request.get("query", {}).get("hybrid") if isinstance(request.get("query"), Mapping) else None
    if isinstance(hybrid, Mapping) and request.get("from") and "pagination_depth" not in hybrid:
        return "the engine refuses a later page of a hybrid query without pagination_depth"
    return ""


def _pages_by_sort_values(request: Mapping[str, Any]) -> bool:
    """Return whether the hits have the sort values that search_after names.

    Elasticsearch adds one of its own at a point in time, so that there are two even if the score alone is named.
    """
    sort, after = request.get("sort"), request["search_after"]
    implicit = bool(sort and request.get("pit")) and isinstance(after, list | tuple) and len(after) > 1
    return implicit or has_sort_values(sort)


def _after_refusal(request: Mapping[str, Any], start: int) -> str:
    """Return why the engines refuse `search_after` here: the request for the window would not have it."""
    if request.get("search_after") is None:
        return ""
    if start:
        return "the engines refuse from beside search_after"
    return "the engines refuse collapse beside search_after and _score" if request.get("collapse") else ""


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


def _pinned(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the outermost `pinned` query or retriever; below others, pinned hits need not be first."""
    for part in (request.get("query"), request.get("retriever")):
        pinned = part.get("pinned") if isinstance(part, Mapping) else None
        if isinstance(pinned, Mapping):
            named = [*(pinned.get("ids") or ()), *(pinned.get("docs") or ())]
            return tuple(str(one.get("_id")) if isinstance(one, Mapping) else str(one) for one in named)
    return ()
