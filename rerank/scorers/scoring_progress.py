"""Report how many pairs of a call a scorer has scored, to a watcher of the current thread or task."""

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


@contextmanager
def progress_bar(shown: bool = True) -> Iterator[None]:
    """Show a bar of scored pairs on standard error within this context, if it is `shown`."""
    if not shown:
        yield
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Scoring", total=None)
        with watched_by(lambda scored, pairs: bar.update(task, completed=scored, total=pairs)):
            yield


def report(scored: int, pairs: int) -> None:
    """Call the watcher of this context, if there is one, with the number of `scored` pairs of all `pairs`.

    >>> with watched_by(print):
    ...     report(32, 100)
    32 100
    """
    watcher = _watcher.get()
    if watcher is not None:
        watcher(scored, pairs)
