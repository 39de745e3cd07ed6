"""How pairs of different lengths share batches: pure functions over token counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def longest_first(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order, int64 (n,), that sorts `lengths` (tokens, int64 (n,)) descending; equal lengths stay in place.

    Longest first, so that a batch that does not fit in memory shows at once and not at the end.

    >>> longest_first(np.array([3, 9, 5])).tolist()
    [1, 2, 0]
    """
    return np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")


def inverse(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the permutation, int64 (n,), that undoes `order`: `values[order][inverse(order)]` is `values`.

    >>> inverse(np.array([1, 2, 0])).tolist()
    [2, 0, 1]
    """
    undo = np.empty(len(order), dtype=np.int64)
    undo[order] = np.arange(len(order))
    return undo


def batch_end(lengths: NDArray[np.int64], start: int, budget: int) -> int:
    """Return where the batch that begins at `start` ends, given `lengths` in descending order.

    The batch is padded to its first and longest row: rows * longest <= `budget` (tokens), but at least one row.

    >>> batch_end(np.array([9, 5, 3]), 0, budget=20)
    2
    """
    rows = max(1, budget // max(1, int(lengths[start])))
    return min(len(lengths), start + rows)


def batches(lengths: NDArray[np.int64], budget: int) -> list[slice]:
    """Return the batches, as slices, of `lengths` in descending order under a `budget` of padded tokens.

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
