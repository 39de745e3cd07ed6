"""One round of a job: pairs whose scores arrive in parts, in any order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.pairs import distinct
from resift.rerank.service.batching.batch_models import Prepared

CHUNK = 32
"""Pairs that are scored together, in any order among them, if the order of the documents is to be kept."""


class Round:
    """Pairs to score, each distinct one once, and the scores that are known so far."""

    def __init__(self, pairs: Sequence[Pair], in_order: bool) -> None:
        """Wait for the scores of `pairs`; `in_order`: the first pairs are scored first, else the longest."""
        indices = distinct(list(pairs))
        self.pairs = list(indices)
        self.rows = np.array([indices[pair] for pair in pairs], dtype=np.int64)  # (pairs as given,)
        self.in_order = in_order
        size = len(self.pairs)
        self.done = np.zeros(size, dtype=bool)
        self.logits = np.full(size, np.nan, dtype=np.float32)
        self.truncated, self.query_truncated = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
        self.read: np.ndarray | None = np.zeros(size, dtype=np.int64)
        self.prepared: Prepared | None = None
        self._places: list[int] = []  # row of the preparation -> index of the pair
        self._waiting: list[list[int]] = []  # rows of the preparation, chunk by chunk, each by ascending length

    @property
    def complete(self) -> bool:
        """Whether all scores are known."""
        return bool(self.done.all())

    @property
    def left(self) -> int:
        """How many distinct pairs are neither scored nor taken."""
        return sum(map(len, self._waiting)) if self.prepared is not None else int((~self.done).sum())

    def missing(self) -> list[Pair]:
        """Return the pairs whose scores are not known."""
        return [pair for pair, done in zip(self.pairs, self.done, strict=True) if not done]

    def queue(self, prepared: Prepared) -> None:
        """Queue the pairs of `missing`, prepared by the model."""
        self._places = np.flatnonzero(~self.done).tolist()
        self.prepared = prepared
        size = CHUNK if self.in_order else max(1, len(self._places))
        rows = range(len(self._places))
        chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
        # stable, and reversed, since rows are taken from the end: of equal lengths the first pair is taken first
        self._waiting = [sorted(reversed(chunk), key=lambda row: int(prepared.lengths[row])) for chunk in chunks]

    def longest(self) -> int:
        """Return the length, in tokens, of the next pair to take. Raises IndexError if none is left."""
        assert self.prepared is not None
        return int(self.prepared.lengths[self._waiting[0][-1]])

    def take(self, shortest: int, longest: int, most: int) -> list[int]:
        """Take up to `most` rows of the first chunk with lengths from `shortest` to `longest`, the longest first."""
        if not self._waiting or self.prepared is None or most <= 0:
            return []
        chunk, lengths = self._waiting[0], self.prepared.lengths

        def length(row: int) -> int:
            return int(lengths[row])

        end = bisect_right(chunk, longest, key=length)
        start = max(bisect_left(chunk, shortest, key=length), end - most)
        taken = chunk[start:end]
        del chunk[start:end]
        if not chunk:
            del self._waiting[0]
        return taken[::-1]

    def put_back(self, rows: Sequence[int]) -> None:
        """Queue rows again that were taken and not scored."""
        assert self.prepared is not None
        lengths = self.prepared.lengths
        self._waiting.insert(0, sorted(rows, key=lambda row: int(lengths[row])))

    def store(self, rows: Sequence[int], scores: Scores) -> list[int]:
        """Store the scores of `rows`, and return the indices of their pairs."""
        places = [self._places[row] for row in rows]
        self.put(places, scores)
        return places

    def put(self, places: Sequence[int], scores: Scores) -> None:
        """Store the scores of the pairs with the indices `places`."""
        self.logits[places], self.done[places] = scores.logits, True
        self.truncated[places], self.query_truncated[places] = scores.truncated, scores.query_truncated
        if scores.read_characters is None:
            self.read = None
        elif self.read is not None:
            self.read[places] = scores.read_characters

    def scores(self) -> Scores:
        """Return the scores of the pairs as given; the logits of those that are not known are NaN."""
        rows = self.rows
        read = None if self.read is None else self.read[rows]
        return Scores(self.logits[rows], self.truncated[rows], self.query_truncated[rows], read)
