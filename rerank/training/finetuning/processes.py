"""The processes of a training that torchrun or accelerate started, by their variables of the environment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

_POLL = 0.1  # seconds


def world_size() -> int:
    """Return the number of processes that train together; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Return the number of this process among them, from 0; process 0 prepares the data, evaluates and writes."""
    return int(os.environ.get("RANK", "0"))


def wait_until(ready: Callable[[], bool]) -> None:
    """Wait until process 0 has made what `ready` looks for. If that fails, torchrun ends this process too."""
    while not ready():
        time.sleep(_POLL)
