"""Lock an open file or folder for one process, on systems that have such locks."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    import fcntl


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
