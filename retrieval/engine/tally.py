"""Counts by name that several threads add to."""

from __future__ import annotations

import threading
from collections import Counter


class Tally:
    """Counts by name; safe to share between threads, and exact. A name that was not counted yet has 0.

    >>> tally = Tally()
    >>> tally.add("long", 2)
    >>> tally["long"], tally["empty"]
    (2, 0)
    """

    def __init__(self) -> None:
        """Start with nothing counted."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        """Add `count` to the count of `name`."""
        with self._lock:
            self._counts[name] += count

    def __getitem__(self, name: str) -> int:
        """Return the count of `name`."""
        with self._lock:
            return self._counts[name]
