"""Fork a test's process in a way that works while coverage measures it."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any


def fork() -> int:
    """Fork, and return the child's process id, 0 in the child.

    The child is not traced: a thread of the parent may hold coverage's lock, and no thread of the child releases it.
    """
    own, others = sys.gettrace(), threading.gettrace()
    untraced: Any = None
    sys.settrace(untraced)
    threading.settrace(untraced)
    child = os.fork()
    if child:
        sys.settrace(own)
        threading.settrace(others or untraced)
    return child
