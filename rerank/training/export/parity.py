"""Compare the scores of two forms of one model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorers.proof import order_agreement


@dataclass(frozen=True, slots=True)
class Parity:
    """How near the logits of one form of a model are to those of another, on `pairs` pairs.

    `largest` and `mean` are of the absolute difference, `spread` is the standard deviation of the expected logits, and
    `order` the share of pairs of documents that are in the same order.
    """

    pairs: int
    largest: float
    mean: float
    spread: float
    order: float


def compare(found: NDArray[np.float32], expected: NDArray[np.float32]) -> Parity:
    """Return the parity of the logits `found` with those `expected`, both float32 (n,).

    >>> compare(np.array([1, 3], np.float32), np.array([1, 2], np.float32)).largest
    1.0
    """
    gaps = np.abs(found.astype(np.float64) - expected)
    return Parity(
        len(expected),
        round(float(gaps.max()), 6),
        round(float(gaps.mean()), 6),
        round(float(expected.std()), 6),
        round(order_agreement(found, expected), 6),
    )
