"""Draw the queries of each step from a file of candidate lists: every list once per pass, in random order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.scores import ListFile
from resift.retrieval.errors import SettingsError


@dataclass(slots=True)
class Drawing:
    """Draws lists; the state is `cursor`, how many have been drawn so far.

    `lists`: the file, of which those at `places` are trained on. Raises SettingsError if there is nothing to draw.
    """

    lists: ListFile | Sequence[CandidateList]
    places: Sequence[int]
    seed: int
    cursor: int = 0
    _order: NDArray[np.int64] = field(init=False, repr=False)
    _turn: int = field(default=-1, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check that there is something to draw."""
        if not self.places:
            raise SettingsError("no query is left to train on; hold fewer out, or give more queries", "held_out_share")

    def draw(self, count: int) -> list[CandidateList]:
        """Return the next `count` lists, and move the cursor on. Raises CorpusError."""
        return [self._next() for _ in range(count)]

    def _next(self) -> CandidateList:
        turn, place = divmod(self.cursor, len(self.places))
        if turn != self._turn:
            self._turn, self._order = turn, np.random.default_rng([self.seed, 4, 0, turn]).permutation(len(self.places))
        self.cursor += 1
        return self.lists[self.places[int(self._order[place])]]
