"""Count the documents of an index once all its shards respond."""

from __future__ import annotations

from typing import NamedTuple

from resift.indexer.engine.alias import SLOW
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.retry import Retry, once
from resift.retrieval.errors import IndexingError


class _Count(NamedTuple):
    """The number of documents in an index, of its shards, and of shards `missing` from the count."""

    documents: int
    shards: int
    missing: int


def count_documents(engine: Engine, name: str, retry: Retry) -> int:
    """Refresh an index, and return the number of documents in all its shards, once all of them respond.

    Raises IndexingError if some of them still do not respond when `retry` gives up, and StatusError if the engine does
    not.
    """

    def count_once() -> _Count:
        refreshed = engine.request("POST", f"/{name}/_refresh", retry=once(), timeout=SLOW)
        counted = engine.request("GET", f"/{name}/_count", retry=once(), timeout=SLOW)
        shards = counted["_shards"]
        missing = max(refreshed["_shards"]["failed"], shards["total"] - shards["successful"])
        return _Count(int(counted["count"]), shards["total"], missing)

    count = retry.call(count_once, lambda count: count.missing == 0)
    if count.missing:
        raise IndexingError(
            f"{count.missing} of {count.shards} shards of {name} do not respond (`patience`); check the cluster's "
            "health, then `resume`"
        )
    return count.documents
