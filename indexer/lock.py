"""Lock an open file or folder for one process, on systems that have such locks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resift.retrieval.errors import IndexingError

if sys.platform != "win32":
    import fcntl


_POLL = 0.02  # seconds


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file or folder until it is closed or the process ends; return False if another process holds it.

    Returns None, and locks nothing, if there are no locks: on Windows, and on some network file systems.
    """
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextmanager
def locked_folder(folder: Path, patience: float = 10.0) -> Iterator[None]:
    """Hold the lock of an existing folder; a folder that was exchanged for another one meanwhile is not the one locked.

    Raises IndexingError if another process holds the lock for more than `patience` seconds, and OSError if there is no
    such folder.
    """
    give_up = time.monotonic() + patience
    while True:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            if try_lock(descriptor) is not False and os.path.samestat(os.fstat(descriptor), os.stat(folder)):
                yield
                return
        finally:
            os.close(descriptor)
        if time.monotonic() > give_up:
            raise IndexingError(f"{folder} is being changed by another process; wait until that is done, and repeat")
        time.sleep(_POLL)
