"""What an index of an engine has stored of some documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resift.indexer.engine.written import WrittenIndex
from resift.retrieval.engine.client import Engine


def holder(engine: Engine, index: WrittenIndex, doc_ids: Sequence[str], part: str) -> str | None:
    """Return the first of `doc_ids` whose document has a `part`, "title" or "text"; None if there is none.

    Of a document that is split into passages, its first passage is asked for. Raises EngineError.
    """
    ids = [f"{doc_id}#1" if index.passages else doc_id for doc_id in doc_ids]
    answer: Any = engine.request("POST", f"/{index.name}/_mget", {"ids": ids}, {"_source_includes": part})
    for doc_id, found in zip(doc_ids, answer["docs"], strict=True):
        value = (found.get("_source") or {}).get(part)
        if isinstance(value, str) and value.strip():
            return doc_id
    return None
