"""Write the log of an experiment from a thread, so that no search waits for a disk."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from pathlib import Path

from resift.rerank.experiments.log import ShownSearch, to_line
from resift.retrieval.errors import SettingsError

LOGGER = logging.getLogger("resift.service.experiments")
"""Below the logger of services, so that its warnings are in their log, in their form."""
MOST_WAITING = 10_000
"""Searches that wait to be written, at most; further ones are dropped and counted, so that memory is limited."""
_MODE = 0o640  # the log has queries: others than the owner and the group cannot read it
_OPEN = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


class SearchLog:
    """Appends searches to a file, one line each; `write` never waits and never raises.

    The file is opened anew once it was renamed or removed, as programs that rotate logs do. Several processes may write
    to the same file, each with an object that it made after it was forked. `written`, `dropped` (too many waited, or
    the log was closed) and `lost` (the disk was full, or another error) count searches.
    """

    def __init__(self, path: str | Path, most_waiting: int = MOST_WAITING) -> None:
        """Open the file and start the thread. Raises SettingsError if the file cannot be opened for writing."""
        self.path = Path(path)
        self.written = self.dropped = self.lost = 0
        self._waiting: queue.Queue[ShownSearch | None] = queue.Queue(most_waiting)
        self._counting = threading.Lock()
        self._closed = self._failing = self._torn = False
        self._file = -1
        try:
            self._open()
        except (OSError, ValueError) as error:  # ValueError: the name has a NUL
            why = getattr(error, "strerror", None) or error
            raise SettingsError(f"{path} cannot be written: {why}; name a file in an existing folder", "log") from None
        self._thread = threading.Thread(target=self._run, name="experiment log", daemon=True)
        self._thread.start()

    def write(self, search: ShownSearch) -> bool:
        """Hand `search` to the thread, and return whether it will be written; False if it is dropped."""
        if not self._closed:
            try:
                self._waiting.put_nowait(search)
                return True
            except queue.Full:
                pass
        with self._counting:
            self.dropped += 1
        return False

    def close(self, seconds: float = 2.0) -> bool:
        """Write what waits, for at most `seconds`, and return whether all was written. May be called again."""
        self._closed = True
        end = time.monotonic() + seconds
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=max(0.0, seconds))
            self._thread.join(max(0.0, end - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (search := self._waiting.get()) is not None:
            try:
                self._append(to_line(search).encode("utf-8"))
            except Exception as error:  # a search that cannot be logged must not end the thread
                self.lost += 1
                self._report(error)
            else:
                self.written += 1
                if self._failing:
                    LOGGER.warning("%s is written again; %d searches were lost", self.path, self.lost)
                self._failing = False
        with contextlib.suppress(OSError):
            os.close(self._file)

    def _append(self, line: bytes) -> None:
        """Write `line` at the end of the file, after a line break if a former line is not complete."""
        if self._was_moved():
            self._open()
        rest = memoryview(b"\n" + line if self._torn else line)
        while rest:
            count = os.write(self._file, rest)
            self._torn = bool(rest[count:]) or bytes(rest[count - 1 : count]) != b"\n"
            rest = rest[count:]

    def _was_moved(self) -> bool:
        """Return whether the name of the log now belongs to another file, or to none."""
        if self._file < 0:
            return True
        try:
            named = os.stat(self.path)
        except FileNotFoundError:
            return True
        opened = os.fstat(self._file)
        return (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino)

    def _open(self) -> None:
        """Open the file, which may be new. Raises OSError."""
        made = os.open(self.path, _OPEN, _MODE)
        if self._file >= 0:
            os.close(self._file)
        self._file = made
        self._torn = _ends_within_a_line(self.path)

    def _report(self, error: Exception) -> None:
        """Warn of the first of several errors in a row."""
        if not self._failing:
            LOGGER.warning("%s cannot be written, searches are lost: %s: %s", self.path, type(error).__name__, error)
        self._failing = True


def _ends_within_a_line(path: Path) -> bool:
    """Return whether the last line of a file is not complete, as a crash or a full disk leaves it."""
    if not path.is_file():
        return False
    try:
        with open(path, "rb") as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False
