"""Suggest the known name that a misspelt one was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_SIMILAR = 0.7  # the least similarity ratio of difflib for a suggestion


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the name of `known` that is most similar to `given`, or "" if none is similar.

    Upper and lower case, and "-" and "_", count as equal.

    >>> suggestion("dpeth", ["depth", "window"])
    '; did you mean depth?'
    >>> suggestion("colour", ["depth", "window"])
    ''
    """
    names = {_folded(name): name for name in known}
    near = difflib.get_close_matches(_folded(given), names, n=1, cutoff=_SIMILAR)
    return f"; did you mean {names[near[0]]}?" if near else ""


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")
