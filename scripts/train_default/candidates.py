"""BM25 candidates: Lucene's formula with the English chain, top 100 of a source."""

from __future__ import annotations

import re

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray

from .settings import CANDIDATES

TOKEN = re.compile(r"\w+(?:(?:(?<=[^\W\d_])['’.](?=[^\W\d_])|(?<=\d)[.,](?=\d))\w+)*")
POSSESSIVE = re.compile(r"['’]s$")
STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their "
    "then there these they this to was will with".split()
)


class English:
    """Lucene's English chain: possessive, lower case, stop words, Porter."""

    def __init__(self) -> None:
        """Start with an empty cache of stems."""
        self._stem = Stemmer.Stemmer("porter")

    def __call__(self, text: str) -> list[str]:
        """Return the terms of a text in order."""
        words = (POSSESSIVE.sub("", word) for word in TOKEN.findall(text.lower()))
        stems: list[str] = self._stem.stemWords([word for word in words if word not in STOP_WORDS])
        return stems


class FirstStage:
    """BM25 (k1 1.2, b 0.75) over passages held in memory."""

    def __init__(self, passages: list[str]) -> None:
        """Index the passages."""
        self._english = English()
        self._index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
        self._index.index([self._english(p) for p in passages], show_progress=False)
        self._depth = min(CANDIDATES, len(passages))

    def top(self, queries: list[str]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return places and scores, both (queries, 100); a place is -1 where nothing matches."""
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
