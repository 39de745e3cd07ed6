"""Who is told how far a scorer has come in the pairs of one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[int, int], None]
"""Takes the number of pairs scored so far, and of all pairs of the call."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Within this context, and its thread or task alone, call `watcher` after each batch that a scorer has scored."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def report(scored: int, pairs: int) -> None:
    """Call the watcher of this context, if there is one, with the number of `scored` pairs of all `pairs`.

    >>> with watched_by(print):
    ...     report(32, 100)
    32 100
    """
    watcher = _watcher.get()
    if watcher is not None:
        watcher(scored, pairs)
