"""Read all documents of an index of an engine, in pages, with the right to read it alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.client_errors import parsing
from resift.retrieval.errors import EngineError, StatusError

_PAGE = 1000  # documents
_KEPT = "5m"  # how long the engine keeps its place between two pages
_FILTER_PATH = "_scroll_id,_shards,hits.hits._source"


def scan(
    engine: Engine, address: Address, fields: Sequence[str], clause: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the source of each document that matches `clause` (None: all), with only `fields`, as of the first page.

    The scroll of the engine is used, which Elasticsearch 7 to 9 and OpenSearch 1 to 3 have; it is closed at the end.
    Raises EngineError if the index cannot be read, or a shard does not respond.
    """
    body = {"size": _PAGE, "sort": ["_doc"], "_source": list(fields), "query": clause or {"match_all": {}}}
    params = {"scroll": _KEPT, "filter_path": _FILTER_PATH}
    scroll_id = None
    try:
        answer = engine.request("POST", f"{address.path}/_search", body, params)
        while True:
            with parsing(str(address)):
                scroll_id = answer.get("_scroll_id") or scroll_id
                found = [hit["_source"] for hit in answer.get("hits", {}).get("hits", [])]
                if missing := answer["_shards"]["total"] - answer["_shards"]["successful"]:
                    raise EngineError(f"{missing} shards did not respond; check the cluster's health", str(address))
            if not found:
                return
            yield from found
            more = {"scroll": _KEPT, "scroll_id": scroll_id}
            answer = engine.request("POST", "/_search/scroll", more, {"filter_path": _FILTER_PATH})
    finally:
        if scroll_id is not None:
            with suppress(StatusError):  # it ends by itself
                engine.request("DELETE", "/_search/scroll", {"scroll_id": scroll_id})
