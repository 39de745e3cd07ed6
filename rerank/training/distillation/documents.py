"""The documents of an index beyond those that a search finds: random ones, and those with a known id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from numpy.random import Generator

from resift.retrieval.lookup import DocumentLookup
from resift.retrieval.retriever import Retriever
from resift.retrieval.types import Document

POOL = 10_000
"""Documents from which the random ones are drawn; an engine returns no more at once."""


class FirstStage(Retriever, DocumentLookup, Protocol):
    """A first stage whose documents can be fetched by id, and sampled; all in `resift.retrieval.registry` can."""


class DocumentPool:
    """A sample of the documents of an index, from which random ones are drawn; passages count as documents."""

    def __init__(self, lookup: DocumentLookup, seed: int, size: int = POOL) -> None:
        """Sample `size` documents by `seed`. Raises EngineError if the index cannot be read."""
        self._lookup = lookup
        self.documents: Sequence[Document] = lookup.sample(size, seed)

    def draw(self, count: int, random: Generator) -> list[Document]:
        """Return up to `count` different documents of the sample, drawn by `random`."""
        size = len(self.documents)
        return [self.documents[int(place)] for place in random.choice(size, size=min(count, size), replace=False)]

    def find(self, doc_ids: Sequence[str]) -> dict[str, Document]:
        """Return the documents of the index with these ids, by id, of several passages the first.

        Those that the index does not have are left out. Raises EngineError if the index cannot be read.
        """
        return {doc_id: found[0] for doc_id, found in self._lookup.documents(doc_ids).items()} if doc_ids else {}
