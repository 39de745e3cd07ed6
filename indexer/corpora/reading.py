"""What a reader reports while it reads: how much of the source it has read, and what it had to assume."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import IO


class Reading:
    """The progress of a reader and its notes: the reader updates them, and the caller reads `share` and `notes`."""

    def __init__(self, show: Callable[[str], object] | None = None) -> None:
        """Start with an unknown share and no notes; `show` is called with each note at once."""
        self._show = show
        self.notes: list[str] = []
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

    def note(self, text: str) -> None:
        """Add what had to be assumed, once, for the user to read."""
        if text not in self.notes:
            self.notes.append(text)
            if self._show is not None:
                self._show(text)

    @property
    def share(self) -> float | None:
        """The fraction of the source that has been read, 0 to 1; None if it is not known."""
        if self._total:
            return self._done / self._total
        if self._file is None or not self._size:
            return None
        return 1.0 if self._file.closed else self._file.tell() / self._size
