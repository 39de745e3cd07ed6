"""The documents of an index whose documents are split into passages: which it has, and removing their passages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from resift.indexer.engine.alias import SLOW
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.fields import PARENT
from resift.retrieval.errors import IndexingError

BATCH = 500
"""Number of documents asked about in one request."""
_PASSAGES = 20_000  # in one request; engines allow 65,536 terms
_PAGE = 1000  # passages
DeleteIds = Callable[[Sequence[str]], None]
"""Deletes the passages with these ids."""


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


def remove(engine: Engine, index: str, doc_ids: Sequence[str], delete: DeleteIds) -> None:
    """Remove all passages of at most BATCH documents with `delete`. Raises IndexingError if some of them remain."""
    if doc_ids:
        _remove(engine, index, {"terms": {PARENT: list(doc_ids)}}, delete)


def remove_others(engine: Engine, index: str, passages: Mapping[str, int], delete: DeleteIds) -> None:
    """Remove with `delete` the passages beyond the number that each document has now.

    `passages` maps the id of a document to its number of passages. Raises IndexingError if some of them remain.
    """
    rest = iter(passages.items())
    while batch := list(_batch(rest)):
        current = [f"{doc_id}#{number}" for doc_id, count in batch for number in range(1, count + 1)]
        parents = {"terms": {PARENT: [doc_id for doc_id, _ in batch]}}
        query = {"bool": {"filter": [parents], "must_not": [{"ids": {"values": current}}]}}
        _remove(engine, index, query, delete)


def _batch(rest: Iterable[tuple[str, int]]) -> Iterable[tuple[str, int]]:
    """Yield at most BATCH of the next documents, and no more once they have _PASSAGES passages."""
    total = 0
    for doc_id, count in islice(rest, BATCH):
        yield doc_id, count
        total += count
        if total >= _PASSAGES:
            return


def _remove(engine: Engine, index: str, query: Mapping[str, Any], delete: DeleteIds) -> None:
    """Delete the passages that match `query` until none are left."""
    before: list[str] = []
    body = {"size": _PAGE, "track_total_hits": False, "_source": False, "query": {"bool": {"filter": [query]}}}
    while True:
        engine.request("POST", f"/{index}/_refresh", timeout=SLOW)
        answer: Any = engine.request("POST", f"/{index}/_search", body)
        _check_shards(answer, index)
        found = sorted(hit["_id"] for hit in answer["hits"]["hits"])
        if not found:
            return
        if found == before:
            raise IndexingError(f"{len(found)} passages of {index} could not be removed, such as {found[0]}")
        delete(found)
        before = found


def _check_shards(answer: Mapping[str, Any], index: str) -> None:
    shards = answer["_shards"]
    if missing := shards["total"] - shards["successful"]:
        raise IndexingError(f"{missing} of {shards['total']} shards of {index} do not respond; check its health")
