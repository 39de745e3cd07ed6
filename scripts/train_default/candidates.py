"""BM25 candidates: Lucene's formula with the English analyzer, the top 100 of a source."""

from __future__ import annotations

import bm25s
import numpy as np
from numpy.typing import NDArray

from resift.retrieval.bm25.analysis import analyzer

from .settings import CANDIDATES


class FirstStage:
    """BM25 (k1 1.2, b 0.75) over passages in memory."""

    def __init__(self, passages: list[str]) -> None:
        """Index the passages."""
        self._english = analyzer("english")
        self._index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
        self._index.index([self._english(p) for p in passages], show_progress=False)
        self._depth = min(CANDIDATES, len(passages))

    def top(self, queries: list[str]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the positions of passages, and their scores, both (queries, 100); -1 after the last match."""
        places = np.full((len(queries), CANDIDATES), -1, np.int32)
        scores = np.zeros((len(queries), CANDIDATES), np.float32)
        terms = [self._english(query) for query in queries]
        known = self._index.vocab_dict
        found = [i for i, words in enumerate(terms) if any(word in known for word in words)]
        if found:
            kept = [[w for w in terms[i] if w in known] for i in found]
            hits = self._index.retrieve(kept, k=self._depth, show_progress=False)
            matched = hits.scores > 0
            places[found, : self._depth] = np.where(matched, hits.documents, -1)
            scores[found, : self._depth] = np.where(matched, hits.scores, 0.0)
        return places, scores
