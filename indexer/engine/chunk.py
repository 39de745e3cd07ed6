"""The documents of one bulk request, as the lines that the engine reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from resift.indexer.engine.mapping import source_of
from resift.retrieval.types import Document

CREATE = "create"
"""Store a document only if its id does not exist."""
INDEX = "index"
"""Store a document in place of the one with the same id."""
DELETE = "delete"
"""Remove the document with the id."""


@dataclass(slots=True)
class Chunk:
    """The documents of one bulk request: for each its id and its JSON lines; `size` is in bytes."""

    ids: list[str] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    action: str = CREATE
    _keys: frozenset[str] = frozenset()

    def add(self, doc_id: str, line: bytes) -> None:
        """Append one document."""
        self.ids.append(doc_id)
        self.lines.append(line)
        self.size += len(line)

    def shares_an_id(self, other: Chunk) -> bool:
        """Return True if both chunks have a document with the same id."""
        return not self.keys().isdisjoint(other.keys())

    def keys(self) -> frozenset[str]:
        """Return the ids as a set; call it only once the chunk is complete."""
        if not self._keys:
            self._keys = frozenset(self.ids)
        return self._keys

    def part(self, places: Iterable[int]) -> Chunk:
        """Return a chunk of the documents at `places`, counted from 0."""
        chunk = Chunk(action=self.action)
        for place in places:
            chunk.add(self.ids[place], self.lines[place])
        return chunk


def chunks(documents: Iterable[Document], max_documents: int, max_bytes: int, action: str = CREATE) -> Iterator[Chunk]:
    """Yield the documents in chunks of at most `max_documents` and `max_bytes`; a larger document is a chunk alone.

    `action` is CREATE, INDEX or DELETE; of documents to delete only the ids are sent.
    """
    chunk = Chunk(action=action)
    for document in documents:
        line = _line(document, action)
        if chunk.ids and (len(chunk.ids) == max_documents or chunk.size + len(line) > max_bytes):
            yield chunk
            chunk = Chunk(action=action)
        chunk.add(document.doc_id, line)
    if chunk.ids:
        yield chunk


def _line(document: Document, action: str) -> bytes:
    head = json.dumps({action: {"_id": document.doc_id}}, ensure_ascii=False)
    source = "" if action == DELETE else json.dumps(source_of(document), ensure_ascii=False) + "\n"
    return f"{head}\n{source}".encode("utf-8", "replace")
