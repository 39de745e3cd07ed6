"""Where the indices of one row of the retriever registry are, for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from resift.retrieval.engine.settings import OpenOptions
from resift.retrieval.registry import open_retriever
from resift.retrieval.retriever import Retriever
from resift.retrieval.types import Document

FIELDS = ("year", "tags")
"""The fields besides title and text that every retriever is asked to read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one row of the registry has its indices.

    `write` makes an index of documents and returns its URL; `spoil` makes the index at a URL unreadable; `missing` is
    the URL of an index that does not exist.
    """

    write: Callable[[Sequence[Document]], str]
    spoil: Callable[[str], object]
    missing: str
    options: OpenOptions = OpenOptions(fields=FIELDS)

    def open(self, documents: Sequence[Document]) -> Retriever:
        """Return a retriever of a new index of `documents`."""
        return open_retriever(self.write(documents), self.options)
