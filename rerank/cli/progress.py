"""Progress of long work on standard error: a bar on a terminal, else a line every 30 seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from resift.rerank.cli.messages import is_quiet
from resift.rerank.scorers.scoring_progress import watched_by

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
        lines = ProgressLines(label, expected, exact=share is None)
        with watched_by(lines.scored):
            yield lines.update


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
        self._done = 0

    def update(self, done: int) -> None:
        """Take the number of items done, and write a line if the last one is old enough."""
        if self._first is None:
            self._first = done  # a resumed load did these earlier
        self._done = done
        self._write("")

    def scored(self, pairs: int, of: int) -> None:
        """Take how many of the pairs that are scored together are done; write a line if the last one is old enough."""
        self._write(_pairs(pairs, of))

    def _write(self, more: str) -> None:
        now = time.monotonic()
        if now - self._written < self._every:
            return
        self._written = now
        first, seconds = self._first or 0, now - self._started
        text = describe(self._done, first, self._expected(self._done), seconds, self._exact)
        sys.stderr.write(f"{self._label}: {text}{more}\n")
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


def _pairs(scored: int, of: int) -> str:
    return f"; {scored:,} of {of:,} pairs"


def _bar(label: str, expected: Callable[[int], int | None], exact: bool) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[text]}"))
    started = time.monotonic()
    first: int | None = None
    text = ""
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, text="")

        def update(done: int) -> None:
            nonlocal first, text
            first = done if first is None else first
            total = expected(done)
            text = describe(done, first, total, time.monotonic() - started, exact)
            bar.update(task, completed=done, total=total, text=text)

        with watched_by(lambda scored, of: bar.update(task, text=text + _pairs(scored, of))):
            yield update


@contextmanager
def steps(first: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done, `first` and then what the yielded function is given, until it is done.

    While a model scores, the number of its scored pairs is shown. If standard error is not a terminal, or --quiet was
    given, nothing is shown.
    """
    if is_quiet() or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{first} ...") as status:
        with watched_by(lambda scored, of: status.update(f"scoring{_pairs(scored, of)[1:]} ...")):
            yield lambda step: status.update(f"{step} ...")
