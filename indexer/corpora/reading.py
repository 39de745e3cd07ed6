"""How much of a source has been read, so that the time that is left can be told."""

from __future__ import annotations

import os
import stat
from typing import IO


class Reading:
    """What a reader tells of its way through a source; `share` is asked from outside while it reads."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._file: IO[bytes] | None = None
        self._size = 0
        self._done = 0
        self._total = 0

    def follow(self, file: IO[bytes]) -> None:
        """Take the position in `file`, as its bytes lie on the disk, for the way; a pipe has none."""
        facts = os.fstat(file.fileno())
        if stat.S_ISREG(facts.st_mode):
            self._file, self._size = file, facts.st_size

    def count(self, done: int, total: int) -> None:
        """Take `done` of `total` records, or files, for the way."""
        self._done, self._total = done, total

    @property
    def share(self) -> float | None:
        """Which part of the source has been read, 0 to 1; None where that cannot be told."""
        if self._total:
            return self._done / self._total
        if self._file is None or not self._size:
            return None
        return 1.0 if self._file.closed else self._file.tell() / self._size
