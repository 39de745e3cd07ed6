"""Search an embedded index that was changed: several segments, some documents of which are deleted.

The stored impacts of a segment hold for its own documents alone. Here impacts are computed from the stored frequencies
and lengths, with the number of documents, their average length and the frequency of each term over the live documents
of all segments. So the scores are those that an index built anew has, to the last bit.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.retrieval.bm25 import formula
from resift.retrieval.bm25.postings import Best, Scratch, TermPostings, best, last_ranks
from resift.retrieval.bm25.segment import Segment
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.types import Document

_CACHED_POSTINGS = 1 << 22  # 32 MB


class SegmentedIndex:
    """The live documents of several segments, numbered one segment after the other; safe to share between threads."""

    def __init__(self, segments: Sequence[Segment], settings: Bm25Settings) -> None:
        """Count the live documents and tokens of `segments`."""
        self._segments = list(segments)
        self._firsts = [0]
        for segment in segments:
            self._firsts.append(self._firsts[-1] + len(segment.ranks))
        self._size = sum(segment.live_count for segment in segments)
        tokens = sum(int(segment.lengths[segment.live].sum(dtype=np.int64)) for segment in segments)
        mean = tokens / self._size if self._size else 0.0
        self._norms = np.concatenate(
            [formula.length_norms(segment.lengths, mean, settings.k1, settings.b) for segment in segments]
        )
        self._scratch = Scratch(self._firsts[-1])
        self._cache: dict[str, tuple[NDArray[np.int32], NDArray[np.float32]]] = {}
        self._cached = 0
        self._lock = threading.Lock()

    def top(self, weights: Mapping[str, int], depth: int) -> Best:
        """Return the numbers [n] and scores [n] of the `depth` best documents, not sorted.

        `weights` is term -> number of occurrences in the query. The time is linear in the postings of the terms that
        were not searched before.
        """
        terms = []
        for term, weight in weights.items():
            documents, impacts = self._postings(term)
            if len(documents):
                terms.append(TermPostings(documents, impacts, weight, weight * float(impacts.max())))
        if not terms:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        return best(self, terms, depth)

    def fetch(self, numbers: Sequence[int]) -> list[Document]:
        """Return the documents with these numbers, in the given order."""
        places = [self._place(number) for number in numbers]
        found: dict[int, Document] = {}
        for at, segment in enumerate(self._segments):
            own = [(number, local) for number, (place, local) in zip(numbers, places, strict=True) if place == at]
            documents = segment.documents.fetch([local for _, local in own])
            found.update(zip([number for number, _ in own], documents, strict=True))
        return [found[number] for number in numbers]

    def find(self, doc_id: str) -> list[int]:
        """Return the numbers of the live entries with an id. Raises EngineError on a damaged file."""
        parts = zip(self._firsts, self._segments, strict=False)
        return [first + number for first, segment in parts for number in segment.find(doc_id)]

    def live(self) -> NDArray[np.int64]:
        """Return the numbers of all entries that are not deleted, int64 [live entries], ascending."""
        parts = zip(self._firsts, self._segments, strict=False)
        return np.concatenate([first + np.flatnonzero(segment.live) for first, segment in parts])

    def zeros(self) -> NDArray[np.float32]:
        """Return this thread's array for adding scores, float32 [documents], filled with zeros."""
        return self._scratch.zeros()

    def last(self, documents: NDArray[Any], count: int) -> NDArray[np.int64]:
        """Return the positions, in `documents`, of the `count` with the largest ids; of equal ids, the first ones."""
        candidates: list[tuple[str, int, int]] = []
        places = np.searchsorted(self._firsts, documents, "right") - 1
        for at, segment in enumerate(self._segments):
            own = np.flatnonzero(places == at)
            local = documents[own] - self._firsts[at]
            if len(own) > count:
                kept = last_ranks(segment.ranks[local], count)
                own, local = own[kept], local[kept]
            for position, number in zip(own.tolist(), local.tolist(), strict=True):
                candidates.append((segment.documents.doc_id(number), -number, position))
        candidates.sort(reverse=True)
        return np.array([position for _, _, position in candidates[:count]], np.int64)

    def _place(self, number: int) -> tuple[int, int]:
        """Return the segment of a document, and its number there."""
        at = bisect_right(self._firsts, number) - 1
        return at, number - self._firsts[at]

    def _postings(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the live documents with `term`, int32 [n], ascending, and its impacts, float32 [n]."""
        cached = self._cache.get(term)
        if cached is not None:
            return cached
        parts = [segment.term(term) for segment in self._segments]
        numbers = [own + first for (own, _), first in zip(parts, self._firsts, strict=False)]
        documents = np.concatenate(numbers).astype(np.int32)
        occurrences = np.concatenate([own.astype(np.int64) for _, own in parts])
        idf = formula.inverse_frequency(self._size, np.array([len(documents)], np.int64))
        impacts = formula.impacts(np.repeat(idf, len(documents)), occurrences, self._norms[documents])
        with self._lock:
            self._cached += len(documents)
            if self._cached > _CACHED_POSTINGS:
                self._cache.clear()
                self._cached = len(documents)
            self._cache[term] = (documents, impacts)
        return documents, impacts
