"""The documents of an index whose documents are split into passages: which it has, and removing their passages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from resift.indexer.engine.alias import SLOW
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.fields import PARENT
from resift.retrieval.errors import IndexingError

BATCH = 500
"""Number of documents asked about in one request."""
_PASSAGES = 20_000  # in one request; engines allow 65,536 terms


def present(engine: Engine, index: str, doc_ids: Sequence[str]) -> set[str]:
    """Return those of at most BATCH `doc_ids` that have passages in the index, as of its last refresh."""
    body = {
        "size": 0,
        "track_total_hits": False,
        "query": {"terms": {PARENT: list(doc_ids)}},
        "aggs": {"parents": {"terms": {"field": PARENT, "size": len(doc_ids)}}},
    }
    answer: Any = engine.request("POST", f"/{index}/_search", body)
    _check_shards(answer, index)
    return {str(bucket["key"]) for bucket in answer["aggregations"]["parents"]["buckets"]}


def remove(engine: Engine, index: str, doc_ids: Sequence[str]) -> None:
    """Remove all passages of at most BATCH documents. Raises IndexingError if some of them remain."""
    if doc_ids:
        _remove(engine, index, {"terms": {PARENT: list(doc_ids)}})


def remove_others(engine: Engine, index: str, passages: Mapping[str, int]) -> None:
    """Remove passages beyond the number that each document has now. Raises IndexingError if some of them remain.

    `passages` maps the id of a document to its number of passages.
    """
    rest = iter(passages.items())
    while batch := list(_batch(rest)):
        current = [f"{doc_id}#{number}" for doc_id, count in batch for number in range(1, count + 1)]
        parents = {"terms": {PARENT: [doc_id for doc_id, _ in batch]}}
        _remove(engine, index, {"bool": {"filter": [parents], "must_not": [{"ids": {"values": current}}]}})


def _batch(rest: Iterable[tuple[str, int]]) -> Iterable[tuple[str, int]]:
    """Yield at most BATCH of the next documents, and no more once they have _PASSAGES passages."""
    total = 0
    for doc_id, count in islice(rest, BATCH):
        yield doc_id, count
        total += count
        if total >= _PASSAGES:
            return


def _remove(engine: Engine, index: str, query: Mapping[str, Any]) -> None:
    params = {"refresh": "true", "conflicts": "proceed"}
    answer: Any = engine.request("POST", f"/{index}/_delete_by_query", {"query": query}, params, timeout=SLOW)
    left = len(answer.get("failures") or []) + int(answer.get("version_conflicts", 0))
    if left:
        raise IndexingError(
            f"{left} passages of {index} could not be removed, because they are being changed by another program; do "
            "the same again"
        )


def _check_shards(answer: Mapping[str, Any], index: str) -> None:
    shards = answer["_shards"]
    if missing := shards["total"] - shards["successful"]:
        raise IndexingError(f"{missing} of {shards['total']} shards of {index} do not respond; check its health")
