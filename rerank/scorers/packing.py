"""Divide pairs of different lengths into batches: pure functions of token counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def longest_first(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices, int64 (n,), that sort `lengths` (tokens, int64 (n,)) in descending order, stably.

    The longest pairs come first so that a batch that does not fit into memory fails at once, not at the end.

    >>> longest_first(np.array([3, 9, 5])).tolist()
    [1, 2, 0]
    """
    return np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")


def batch_end(lengths: NDArray[np.int64], start: int, budget: int) -> int:
    """Return the index after the last row of the batch that begins at `start`.

    `lengths`, int64 (n,), are tokens in descending order. The batch is padded to its first row, which is the longest:
    rows * longest <= `budget` (tokens). A single row may exceed the budget.

    >>> batch_end(np.array([9, 5, 3]), 0, budget=20)
    2
    """
    rows = max(1, budget // max(1, int(lengths[start])))
    return min(len(lengths), start + rows)
