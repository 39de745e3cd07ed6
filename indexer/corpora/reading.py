"""Measure how much of a source has been read, to estimate the remaining time."""

from __future__ import annotations

import os
import stat
from typing import IO


class Reading:
    """The progress of a reader: the reader updates it, and the caller reads `share` at any time."""

    def __init__(self) -> None:
        """Start with an unknown share."""
        self._file: IO[bytes] | None = None
        self._size = 0
        self._done = 0
        self._total = 0

    def follow(self, file: IO[bytes]) -> None:
        """Measure progress by the position in `file`, in bytes as on disk; a pipe has no known size."""
        facts = os.fstat(file.fileno())
        if stat.S_ISREG(facts.st_mode):
            self._file, self._size = file, facts.st_size

    def count(self, done: int, total: int) -> None:
        """Set the progress to `done` of `total` records or files."""
        self._done, self._total = done, total

    @property
    def share(self) -> float | None:
        """The fraction of the source that has been read, 0 to 1; None if it is not known."""
        if self._total:
            return self._done / self._total
        if self._file is None or not self._size:
            return None
        return 1.0 if self._file.closed else self._file.tell() / self._size
