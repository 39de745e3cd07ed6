"""Search an embedded index of one segment without deleted documents, by the impacts stored in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resift.retrieval.bm25 import store
from resift.retrieval.bm25.id_order import in_id_order, numbers_of
from resift.retrieval.bm25.postings import Best, Postings
from resift.retrieval.types import Document


class FlatIndex:
    """The files of an index, mapped into memory; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Map the files under `path`."""
        self._vocabulary = store.StoredVocabulary(path)
        self._documents = store.StoredDocuments(path)
        self._postings = Postings(
            data=store.load_array(path / store.DATA),
            indices=store.load_array(path / store.INDICES),
            indptr=store.load_array(path / store.INDPTR),
            term_max=store.load_array(path / store.TERM_MAX),
            ranks=store.load_array(path / store.ID_RANKS),
        )

    def top(self, weights: Mapping[str, int], depth: int) -> Best:
        """Return the numbers [n] and scores [n] of the `depth` best documents, not sorted.

        `weights` is term -> number of occurrences in the query.
        """
        numbers = {}
        for term, weight in weights.items():
            number = self._vocabulary.number(term)
            if number is not None:
                numbers[number] = weight
        if not numbers:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        return self._postings.top(numbers, depth)

    def fetch(self, numbers: Sequence[int]) -> list[Document]:
        """Return the documents with these numbers, in the given order."""
        return self._documents.fetch(numbers)

    def find(self, doc_id: str) -> list[int]:
        """Return the numbers of the entries with an id: one, several if the document is split, or none.

        Raises ValueError or IndexError on a damaged file.
        """
        return numbers_of(doc_id, self._in_order, self._documents.doc_id)

    def live(self) -> NDArray[np.int64]:
        """Return the numbers of all entries, int64 [entries]."""
        return np.arange(len(self._documents), dtype=np.int64)

    @cached_property
    def _in_order(self) -> NDArray[np.int64]:
        return in_id_order(self._postings.ranks)
