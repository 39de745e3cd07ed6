"""Read the (query, document) pairs of a call, in any form that can be iterated over once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

from resift.rerank.scorer import Pair
from resift.retrieval.errors import SettingsError

_NOT_LISTS = (str, bytes, bytearray, Mapping, Set)
"""Types that can be iterated over, but whose members are not texts in an order."""


def read_pairs(given: Iterable[Pair]) -> list[Pair]:
    """Return the pairs of any iterable: a list, a generator, zip or map, or an array of strings with two columns.

    Raises SettingsError if `given` cannot be iterated over, or a member of it is not a pair of strings.
    """
    if is_pair(given):
        raise SettingsError("expected a list of (query, document) pairs, got one pair; put it into a list", "pairs")
    pairs = []
    for position, pair in enumerate(_members(given, "pairs", "(query, document) pairs")):
        if not is_pair(pair):
            raise SettingsError(f"number {position} is not a pair of strings; expected (query, document)", "pairs")
        pairs.append((str(pair[0]), str(pair[1])))
    return pairs


def read_documents(given: Iterable[str]) -> list[str]:
    """Return the documents of any iterable of strings.

    Raises SettingsError if `given` cannot be iterated over, or a member of it is not a string.
    """
    documents = list(_members(given, "documents", "strings"))
    for position, document in enumerate(documents):
        if not isinstance(document, str):
            raise SettingsError(f"number {position} is a {type(document).__name__}; expected a string", "documents")
    return documents


def is_pair(given: object) -> bool:
    """Return whether `given` is a tuple, a list or a one-dimensional array of two strings."""
    listed = isinstance(given, tuple | list) or (isinstance(given, np.ndarray) and given.ndim == 1)
    return listed and len(given) == 2 and all(isinstance(text, str) for text in given)  # type: ignore[arg-type,attr-defined]


def distinct(pairs: list[Pair]) -> dict[Pair, int]:
    """Return each distinct pair with its index in the order of appearance, so that equal pairs are scored only once."""
    indices: dict[Pair, int] = {}
    for pair in pairs:
        indices.setdefault(pair, len(indices))
    return indices


def _members(given: Any, field: str, wanted: str) -> Iterable[Any]:  # noqa: ANN401 - whatever the user gave
    """Return `given` if it can be iterated over in an order. Raises SettingsError for anything else."""
    iterable = isinstance(given, Iterable) and not isinstance(given, _NOT_LISTS)
    if not iterable or (isinstance(given, np.ndarray) and given.ndim == 0):
        raise SettingsError(f"expected a list of {wanted}, got {type(given).__name__}", field)
    found: Iterable[Any] = given
    return found
