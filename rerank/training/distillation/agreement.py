"""How well a student agrees with its teacher on held-out queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of two models over lists of documents.

    `error`: the mean squared difference of the logits. `pearson`: the correlation over all pairs; `within`: the mean of
    those of the single queries. `order`: the share of the pairs of documents of one query that the student orders as
    the teacher does; 0.5 is chance.
    """

    error: float
    pearson: float
    within: float
    order: float

    def to_json(self) -> dict[str, float]:
        """Return the values by name, rounded to six places."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def agree(own: Sequence[NDArray[np.float64]], teachers: Sequence[NDArray[np.float64]]) -> Agreement:
    """Return the agreement of the logits `own` with those of the teacher, one array (documents,) for each query.

    A correlation with values that are all equal counts as 0, and pairs that the teacher scores alike are left out of
    the order.

    >>> agree([np.array([1.0, 2.0, 3.0])], [np.array([2.0, 3.0, 4.0])])
    Agreement(error=1.0, pearson=1.0, within=1.0, order=1.0)
    """
    flat, wanted = np.concatenate(own), np.concatenate(teachers)
    ordered = [_ordered(one, teacher) for one, teacher in zip(own, teachers, strict=True)]
    total = sum(count for _, count in ordered)
    return Agreement(
        error=float(np.mean((flat - wanted) ** 2)),
        pearson=correlation(flat, wanted),
        within=float(np.mean([correlation(one, teacher) for one, teacher in zip(own, teachers, strict=True)])),
        order=sum(same for same, _ in ordered) / total if total else 0.0,
    )


def correlation(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Return Pearson's correlation of two arrays (n,), 0 if one of them is constant."""
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.sqrt((left @ left) * (right @ right)))
    return round(float(left @ right) / scale, 12) if scale > 1e-12 else 0.0


def _ordered(own: NDArray[np.float64], teacher: NDArray[np.float64]) -> tuple[float, int]:
    """Return how many pairs of documents both order alike, and how many the teacher orders; equal scores are half."""
    upper = np.triu_indices(len(own), 1)
    wanted = np.sign(teacher[:, None] - teacher[None, :])[upper]
    made = np.sign(own[:, None] - own[None, :])[upper]
    kept = wanted != 0
    return float(np.sum(np.where(made == 0, 0.5, made == wanted)[kept])), int(kept.sum())
