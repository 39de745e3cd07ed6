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


def inverse(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the inverse permutation of `order`, both int64 (n,): `values[order][inverse(order)]` equals `values`.

    >>> inverse(np.array([1, 2, 0])).tolist()
    [2, 0, 1]
    """
    undo = np.empty(len(order), dtype=np.int64)
    undo[order] = np.arange(len(order))
    return undo


def batch_end(lengths: NDArray[np.int64], start: int, budget: int) -> int:
    """Return the index after the last row of the batch that begins at `start`.

    `lengths`, int64 (n,), are tokens in descending order. The batch is padded to its first row, which is the longest:
    rows * longest <= `budget` (tokens). A single row may exceed the budget.

    >>> batch_end(np.array([9, 5, 3]), 0, budget=20)
    2
    """
    rows = max(1, budget // max(1, int(lengths[start])))
    return min(len(lengths), start + rows)


def batches(lengths: NDArray[np.int64], budget: int) -> list[slice]:
    """Return the batches of `lengths` as slices, each with at most `budget` tokens including padding.

    `lengths`, int64 (n,), are tokens in descending order. A single row may exceed the budget.

    >>> batches(np.array([9, 5, 3]), budget=10)
    [slice(0, 1, None), slice(1, 3, None)]
    """
    found: list[slice] = []
    start = 0
    while start < len(lengths):
        end = batch_end(lengths, start, budget)
        found.append(slice(start, end))
        start = end
    return found
