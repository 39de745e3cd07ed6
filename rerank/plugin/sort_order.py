"""Whether a search is ordered by score, so that its hits can be reranked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def is_by_score(sort: Any) -> bool:  # noqa: ANN401 - any JSON, or the text of a URL
    """Return whether a search's `sort` orders by descending score first; later keys order hits of equal score.

    >>> is_by_score(["_score", {"date": "desc"}]), is_by_score("date:desc,_score"), is_by_score(None)
    (True, False, True)
    """
    first = next(_keys(sort), None)
    return first is None or first == ("_score", "desc")


def has_sort_values(sort: Any) -> bool:  # noqa: ANN401
    """Return whether hits have `sort` values: engines leave them out where the score alone decides."""
    return any(name != "_score" for name, _ in _keys(sort))


def _keys(sort: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401
    """Yield each field of a sort and its order; the score's default is descending."""
    if isinstance(sort, str):
        for part in filter(None, sort.split(",")):
            name, _, order = part.strip().partition(":")
            yield name, order or _default(name)
    elif isinstance(sort, Mapping):
        for name, value in sort.items():
            given = value.get("order") if isinstance(value, Mapping) else value
            yield str(name), str(given or _default(name)).lower()
    elif isinstance(sort, list | tuple):
        for member in sort:
            yield from _keys(member)


def _default(name: str) -> str:
    return "desc" if name == "_score" else "asc"
