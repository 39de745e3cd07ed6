"""Find the entries of an embedded index by the ids of their documents, by bisection in the order of the ids."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def in_id_order(ranks: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the numbers of all entries in ascending order of their ids, int64 [n]; `ranks` is int32 [n].

    >>> in_id_order(np.array([2, 0, 1], np.int32)).tolist()
    [1, 2, 0]
    """
    order = np.empty(len(ranks), np.int64)
    order[ranks] = np.arange(len(ranks))
    return order


def numbers_of(doc_id: str, order: NDArray[np.int64], id_of: Callable[[int], str]) -> list[int]:
    """Return the numbers of the entries with an id, ascending: one, several if the document is split, or none.

    `order` is that of `in_id_order`, and `id_of` returns the id of the entry with a number.
    """

    def key(number: Any) -> str:  # noqa: ANN401 - a number of numpy
        return id_of(int(number))

    first = bisect_left(order, doc_id, key=key)
    last = bisect_right(order, doc_id, lo=first, key=key)
    return sorted(int(number) for number in order[first:last])
