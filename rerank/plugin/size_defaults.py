"""Fix what an engine derives from a search's size, so that a larger size does not change what the search finds.

Source: the answers of Elasticsearch 8.19, which `tests/engine/test_wrapper_windows.py` compares, and its classes
KnnSearchBuilder, KnnVectorQueryBuilder and CompoundRetrieverBuilder.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from resift.retrieval.engine.query import with_window

_WITH_QUERIES = ("query", "sub_searches", "post_filter", "aggs", "aggregations", "rescore", "highlight")
_DEFAULT_SIZE = 10  # also the default of a retriever's rank_window_size, and of a rescorer's window_size
_MOST_CANDIDATES = 10_000
_NOT_ENLARGED = {
    "text_similarity_reranker",
    "random_reranker",
}  # a larger window would cost the model in the engine more
_SIZE_DEPENDENT = {"knn", "hybrid", "semantic", "neural"}


def page_size(request: Mapping[str, Any]) -> int:
    """Return how many hits a request asks for. Raises ValueError and TypeError if that is not a number."""
    if request.get("size") is not None:
        return int(request["size"])
    own = _own_window(request.get("retriever"))
    return _DEFAULT_SIZE if own is None else own


def largest_window(request: Mapping[str, Any]) -> int | None:
    """Return how many hits the retrievers of a request can give if they are left as they are, None without a limit."""
    limits = list(_fixed_windows(request.get("retriever")))
    return min(limits, default=None)


def with_size(request: Mapping[str, Any], size: int, window: int) -> dict[str, Any]:
    """Return the changes for a request that asked for `size` hits and is sent for `window`: it matches the same.

    k and num_candidates of knn searches and queries that do not name them are those that follow from `size`, and
    retrievers that combine others get a rank_window_size of at least `window`.
    """
    changes: dict[str, Any] = {"from": 0, "size": window}
    if "knn" in request:
        knn = request["knn"]
        changes["knn"] = [_top_level(one, size) for one in knn] if isinstance(knn, list) else _top_level(knn, size)
    changes |= {name: _pinned(request[name], size) for name in _WITH_QUERIES if name in request}
    if "retriever" in request:
        changes["retriever"] = with_window(_pinned_retriever(request["retriever"], size), window)
    if isinstance(request.get("rank"), Mapping):
        changes["rank"] = with_window(request["rank"], window)
    return {name: value for name, value in changes.items() if name in ("from", "size") or value is not request[name]}


def order_follows_size(request: Mapping[str, Any]) -> bool:
    """Return whether the engine may order the first hits of a request in another way if it is sent for more."""
    names = ("retriever", "knn", "rescore", "rank", "terminate_after", "search_pipeline", "profile")
    return any(request.get(name) for name in names) or contains(request.get("query"), _SIZE_DEPENDENT)


def matches_follow_size(request: Mapping[str, Any]) -> bool:
    """Return whether a larger size makes a request match more documents, in a way that cannot be prevented.

    That is so for a `semantic` query, whose number of neighbours is the size of the search, and for a knn query without
    k below a retriever that combines others: for its order k is the window, for the totals it is the size.
    """
    retriever = request.get("retriever")
    if any(contains(request.get(name), {"semantic"}) for name in (*_WITH_QUERIES, "retriever")):
        return True
    return _own_window(retriever) is not None and _pinned(retriever, 1) is not retriever


def _top_level(knn: Any, size: int) -> Any:  # noqa: ANN401 - any JSON
    """Return a knn search, which finds as many neighbours as the search has hits, with both numbers."""
    if not _is_knn(knn):
        return knn
    filled = {**knn, "filter": _pinned(knn["filter"], size)} if "filter" in knn else knn
    return filled if knn.get("k") is not None else _numbered(filled, size)


def _numbered(knn: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return a knn search or query with `count` as its k, and its num_candidates."""
    default = math.floor(min(1.5 * count, _MOST_CANDIDATES) + 0.5)
    candidates = default if knn.get("num_candidates") is None else knn["num_candidates"]
    return {**knn, "k": count, "num_candidates": candidates}


def _is_knn(value: Any) -> bool:  # noqa: ANN401
    """Return whether this is a knn search or query of Elasticsearch; OpenSearch's always has a k or another limit."""
    return isinstance(value, Mapping) and "field" in value and bool({"query_vector", "query_vector_builder"} & {*value})


def _pinned(part: Any, size: int) -> Any:  # noqa: ANN401
    """Return a part of a request with numbers in all its knn queries; the same object if there are none to add."""
    if isinstance(part, list):
        members = [_pinned(member, size) for member in part]
        return part if all(one is other for one, other in zip(members, part, strict=True)) else members
    if not isinstance(part, Mapping):
        return part
    made = {name: _pinned_clause(name, value, size) for name, value in part.items()}
    return part if all(made[name] is part[name] for name in part) else made


def _pinned_clause(name: str, value: Any, size: int) -> Any:  # noqa: ANN401
    if name != "knn" or not _is_knn(value):
        return _pinned(value, size)
    filled = _pinned(value, size)
    if value.get("k") is not None:
        return filled
    candidates = value.get("num_candidates")
    return _numbered(filled, min(size, candidates) if isinstance(candidates, int) else size)


def _pinned_retriever(retriever: Any, size: int) -> Any:  # noqa: ANN401
    """Return a retriever with numbers in the knn queries below it; one that combines others gives them its window."""
    if isinstance(retriever, list):
        return [_pinned_retriever(member, size) for member in retriever]
    if not isinstance(retriever, Mapping):
        return retriever
    made: dict[str, Any] = {}
    for name, value in retriever.items():
        if name in ("retriever", "retrievers"):
            made[name] = _pinned_retriever(value, size)
        elif name in ("query", "filter", "rescore"):
            made[name] = _pinned(value, size)
        elif isinstance(value, Mapping):
            own = _own_window({name: value})
            made[name] = _pinned_retriever(value, size if own is None else own)
        else:
            made[name] = value
    return made


def _own_window(retriever: Any) -> int | None:  # noqa: ANN401
    """Return how many hits a retriever that combines or reorders others takes from them, None for any other."""
    for name, options in retriever.items() if isinstance(retriever, Mapping) else ():
        if name == "rescorer" and isinstance(options, Mapping):
            return _rescored(options)
        if isinstance(options, Mapping) and {"retriever", "retrievers", "fields"} & {*options}:
            own = options.get("rank_window_size", _DEFAULT_SIZE)
            return own if isinstance(own, int) else _DEFAULT_SIZE
    return None


def _rescored(options: Mapping[str, Any]) -> int:
    rescorers = options.get("rescore")
    given = [one for one in (rescorers if isinstance(rescorers, list) else [rescorers]) if isinstance(one, Mapping)]
    windows = [one.get("window_size", _DEFAULT_SIZE) for one in given]
    return min((one for one in windows if isinstance(one, int)), default=_DEFAULT_SIZE)


def _fixed_windows(retriever: Any) -> Any:  # noqa: ANN401
    """Yield the windows, anywhere in a retriever, that are not enlarged."""
    if isinstance(retriever, list):
        for member in retriever:
            yield from _fixed_windows(member)
    elif isinstance(retriever, Mapping):
        for name, options in retriever.items():
            if name == "rescorer" or name in _NOT_ENLARGED:
                own = _own_window({name: options})
                yield _DEFAULT_SIZE if own is None else own
            if name not in ("query", "filter", "rescore"):
                yield from _fixed_windows(options)


def contains(part: Any, names: set[str]) -> bool:  # noqa: ANN401
    """Return whether a part of a request has a clause of one of these names."""
    if isinstance(part, list):
        return any(contains(member, names) for member in part)
    if not isinstance(part, Mapping):
        return False
    return any((name in names and isinstance(value, Mapping)) or contains(value, names) for name, value in part.items())
