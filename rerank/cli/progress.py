"""Progress of long work on standard error: a bar on a terminal, else a line every 30 seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from resift.rerank.cli.messages import is_quiet

LINE_EVERY = 30.0
"""Seconds between two lines if standard error is not a terminal."""


@contextmanager
def progress(
    label: str, total: int | None = None, share: Callable[[], float | None] | None = None
) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the number of items done so far, and shows their rate and the remaining time.

    The number of all items is `total`, or is estimated from `share`, which returns the part of the source read so far,
    0 to 1. Nothing is shown if --quiet was given.
    """

    def expected(done: int) -> int | None:
        part = share() if share is not None else None
        return max(done, round(done / part)) if part else total

    if is_quiet():
        yield _ignore
    elif sys.stderr.isatty():
        yield from _bar(label, expected, exact=share is None)
    else:
        yield ProgressLines(label, expected, exact=share is None).update


def _ignore(done: int) -> None:
    """Take the number of items done, and show nothing."""


class ProgressLines:
    """Writes a line of progress every `LINE_EVERY` seconds."""

    def __init__(
        self, label: str, expected: Callable[[int], int | None], exact: bool = True, every: float = LINE_EVERY
    ) -> None:
        """Start the clock; `expected` maps the number of items done to the number of all, None if that is not known.

        `exact` is False if the number of all items is an estimate.
        """
        self._exact = exact
        self._label = label
        self._expected = expected
        self._every = every
        self._started = self._written = time.monotonic()
        self._first: int | None = None

    def update(self, done: int) -> None:
        """Write a line if the last one is old enough."""
        now = time.monotonic()
        if self._first is None:
            self._first = done  # a resumed load did these earlier
        if now - self._written < self._every:
            return
        self._written = now
        seconds = now - self._started
        text = describe(done, self._first, self._expected(done), seconds, self._exact)
        sys.stderr.write(f"{self._label}: {text}\n")
        sys.stderr.flush()


def describe(done: int, first: int, total: int | None, seconds: float, exact: bool = True) -> str:
    """Return the progress in words: items done, of how many, per second, and the remaining time.

    `first` of the items were done before the clock of `seconds` started. Of an estimated `total`, which is not `exact`,
    the part that is done is shown in percent.

    >>> describe(60_000, 0, 240_000, 30.0)
    '60,000 of 240,000, 2,000/s, 1 min 30 s left'
    """
    rate = (done - first) / seconds if seconds > 0 else 0.0
    if total is None:
        count = f"{done:,}"
    elif exact:
        count = f"{done:,} of {total:,}"
    else:
        count = f"{done:,} ({done / max(total, 1):.0%})"
    if rate <= 0:
        return count
    speed = f"{rate:,.0f}/s" if rate >= 1 else f"{1 / rate:.1f} s each"
    if total is None:
        return f"{count}, {speed}"
    minutes, rest = divmod(round((total - done) / rate), 60)
    return f"{count}, {speed}, {f'{minutes} min ' if minutes else ''}{rest} s left"


def _bar(label: str, expected: Callable[[int], int | None], exact: bool) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[text]}"))
    started = time.monotonic()
    first: int | None = None
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, text="")

        def update(done: int) -> None:
            nonlocal first
            first = done if first is None else first
            total = expected(done)
            text = describe(done, first, total, time.monotonic() - started, exact)
            bar.update(task, completed=done, total=total, text=text)

        yield update
