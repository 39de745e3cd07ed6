"""One round of a job: pairs that are read and scored in parts, in any order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.pairs import distinct
from resift.rerank.service.batching.batch_models import Prepared

READ_AT_ONCE = 256
"""Pairs that are tokenized together: while that lasts, no other request is served."""

READ_IN_ORDER = 32
"""The same, if the first pairs are to be scored first: among these, the order is by length."""


@dataclass(slots=True)
class Chunk:
    """Pairs that were read together: `places` are their indices in the round, and `waiting` the rows not yet taken.

    Rows count from 0 in `prepared`; those that wait are in the order of their lengths, ascending.
    """

    prepared: Prepared
    places: list[int]
    waiting: list[int]

    def length(self, row: int) -> int:
        """Return the tokens of a row."""
        return int(self.prepared.lengths[row])


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
        self._next = 0  # the first pair that was not read yet
        self._chunks: list[Chunk] = []

    @property
    def complete(self) -> bool:
        """Whether all scores are known."""
        return bool(self.done.all())

    @property
    def ready(self) -> bool:
        """Whether there are rows to take."""
        return bool(self._chunks)

    def unread(self) -> list[int]:
        """Return the indices of the next pairs to read; empty if all were read, or their scores are known."""
        most = READ_IN_ORDER if self.in_order else READ_AT_ONCE
        found = [place for place in range(self._next, len(self.pairs)) if not self.done[place]][:most]
        self._next = found[-1] + 1 if found else len(self.pairs)
        return found

    def add(self, prepared: Prepared, places: list[int]) -> None:
        """Queue pairs that were read, with their indices `places`."""
        chunk = Chunk(prepared, places, [])
        # stable, and reversed, since rows are taken from the end: of equal lengths the first pair is taken first
        chunk.waiting = sorted(reversed(range(len(places))), key=chunk.length)
        self._chunks.append(chunk)

    def longest(self) -> int:
        """Return the length, in tokens, of the next row to take; there must be one."""
        return self._chunks[0].length(self._chunks[0].waiting[-1])

    def take(self, shortest: int, longest: int, most: int) -> tuple[Chunk, list[int]]:
        """Take up to `most` rows of the first chunk with lengths from `shortest` to `longest`, the longest first."""
        chunk = self._chunks[0]
        end = bisect_right(chunk.waiting, longest, key=chunk.length)
        start = max(bisect_left(chunk.waiting, shortest, key=chunk.length), end - max(0, most))
        taken = chunk.waiting[start:end]
        del chunk.waiting[start:end]
        if not chunk.waiting:
            del self._chunks[0]
        return chunk, taken[::-1]

    def put_back(self, chunk: Chunk, rows: Sequence[int]) -> None:
        """Queue rows of `chunk` again that were taken and not scored."""
        chunk.waiting = sorted([*chunk.waiting, *rows], key=chunk.length)
        if chunk not in self._chunks:
            self._chunks.insert(0, chunk)

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
