"""Write a file atomically: readers see the old file or the complete new one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

_UMASK = os.umask(0o022)
os.umask(_UMASK)  # the umask can only be read by setting it; done once here, before any thread starts


def write_file(path: Path, lines: Iterable[str]) -> None:
    """Write `lines` to the file at `path`; an existing file is replaced once all lines are on disk. Raises OSError."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name[:50]}.", delete=False
    ) as file:
        try:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o666 & ~_UMASK)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
