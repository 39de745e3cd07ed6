"""Draw the queries of each step from files of candidate lists: every list once per pass, in random order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.scores import ListFile
from resift.retrieval.errors import SettingsError


@dataclass(slots=True)
class Drawing:
    """Lists of several files, each mixed with its weight; the state is `cursors`, how many each has given so far.

    `files` and `places`: each file with the places of its lists that are trained on. `weights`: how often a file is
    drawn from, relative to the others; the square root of its size keeps a large one from crowding out the others.
    Raises SettingsError if there is nothing to draw.
    """

    files: Sequence[ListFile | Sequence[CandidateList]]
    places: Sequence[Sequence[int]]
    seed: int
    weights: Sequence[float] = ()
    cursors: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Set what was not given."""
        if not any(self.places):
            raise SettingsError("no query is left to train on; hold fewer out, or give more queries", "held_out_share")
        self.weights = self.weights or [len(places) ** 0.5 for places in self.places]
        self.cursors = self.cursors or [0] * len(self.files)

    def draw(self, step: int, count: int) -> list[CandidateList]:
        """Return the next `count` lists, those of `step`, and move the cursors on. Raises CorpusError."""
        random = np.random.default_rng([self.seed, 3, step])
        shares = np.array([weight if places else 0.0 for weight, places in zip(self.weights, self.places, strict=True)])
        return [self._next(int(number)) for number in random.choice(len(shares), size=count, p=shares / shares.sum())]

    def _next(self, number: int) -> CandidateList:
        places, cursor = self.places[number], self.cursors[number]
        self.cursors[number] += 1
        turn, place = divmod(cursor, len(places))
        order = _permutation(len(places), self.seed, number, turn)
        return self.files[number][places[int(order[place])]]


_LAST: dict[tuple[int, int, int, int], np.ndarray] = {}


def _permutation(size: int, seed: int, number: int, turn: int) -> np.ndarray:
    """Return the order of the lists of one file in one pass; the last ones are kept."""
    key = (size, seed, number, turn)
    if key not in _LAST:
        if len(_LAST) > 64:
            _LAST.clear()
        _LAST[key] = np.random.default_rng([seed, 4, number, turn]).permutation(size)
    return _LAST[key]
