"""How far long work is, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINE_EVERY = 30.0
"""Seconds between two lines where standard error is no terminal."""


@contextmanager
def progress(
    label: str, total: int | None = None, share: Callable[[], float | None] | None = None
) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes how many items are done so far, and shows their rate and the time that remains.

    Of how many is `total`, or follows from `share`, which tells what part of the source has been read, 0 to 1.
    """

    def expected(done: int) -> int | None:
        part = share() if share is not None else None
        return max(done, round(done / part)) if part else total

    if sys.stderr.isatty():
        yield from _bar(label, expected)
    else:
        yield Lines(label, expected).tell


class Lines:
    """Writes a line of progress every `LINE_EVERY` seconds."""

    def __init__(self, label: str, expected: Callable[[int], int | None], every: float = LINE_EVERY) -> None:
        """Begin now; `expected` gives the number of all items from that of those done, None where it is not known."""
        self._label = label
        self._expected = expected
        self._every = every
        self._started = self._told = time.monotonic()
        self._first: int | None = None

    def tell(self, done: int) -> None:
        """Write a line if it is time for one."""
        now = time.monotonic()
        if self._first is None:
            self._first = done  # a load that goes on has not done these now
        if now - self._told < self._every:
            return
        self._told = now
        sys.stderr.write(f"{self._label}: {describe(done, self._first, self._expected(done), now - self._started)}\n")
        sys.stderr.flush()


def describe(done: int, first: int, total: int | None, seconds: float) -> str:
    """Return in words how far it is: items done, in all, a second, and the time that remains.

    `first` of the items were done before the `seconds` began.

    >>> describe(60_000, 0, 240_000, 30.0)
    '60,000 of about 240,000, 2,000/s, 1 min 30 s left'
    """
    rate = (done - first) / seconds if seconds > 0 else 0.0
    count = f"{done:,}" if total is None else f"{done:,} of about {total:,}"
    if total is None or rate <= 0:
        return f"{count}, {rate:,.0f}/s"
    left = round((total - done) / rate)
    minutes, rest = divmod(left, 60)
    return f"{count}, {rate:,.0f}/s, {f'{minutes} min ' if minutes else ''}{rest} s left"


def _bar(label: str, expected: Callable[[int], int | None]) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[text]}"))
    started = time.monotonic()
    first: int | None = None
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, text="")

        def tell(done: int) -> None:
            nonlocal first
            first = done if first is None else first
            total = expected(done)
            text = describe(done, first, total, time.monotonic() - started)
            bar.update(task, completed=done, total=total, text=text)

        yield tell
