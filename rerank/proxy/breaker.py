"""A circuit breaker: after failures in a row nobody waits for the model, until a single search finds that it works."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

_LONGEST_PAUSE = 60.0


class Breaker:
    """Counts the failures of something, and says whether to use it; used by one thread.

    >>> breaker = Breaker(failures=1, pause=5.0)
    >>> breaker.failed()
    >>> breaker.allows(), breaker.state
    (False, 'open')
    """

    def __init__(self, failures: int, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Open after `failures` in a row, for `pause` seconds, and twice as long after each failed probe."""
        self._most, self._first, self._clock = failures, pause, clock
        self._failures, self._pause, self._until, self._probing = 0, pause, 0.0, False

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """Whether it is used: closed, all use it; open, none; half-open, one probes it."""
        if self._failures < self._most:
            return "closed"
        return "half-open" if self._probing or self._clock() >= self._until else "open"

    def allows(self) -> bool:
        """Return whether the caller may use it now; who may must report how it ended by `note`."""
        if self._failures < self._most:
            return True
        if self._probing or self._clock() < self._until:
            return False
        self._probing = True
        return True

    def note(self, failed: bool | None) -> None:
        """Count a failure or a success, or nothing if it ended for another reason."""
        if failed is None:
            self.unknown()
        elif failed:
            self.failed()
        else:
            self.succeeded()

    def succeeded(self) -> None:
        """Close: it works."""
        self._failures, self._pause, self._probing = 0, self._first, False

    def failed(self) -> None:
        """Count a failure; the last of a row, or that of a probe, opens the breaker."""
        probing, self._probing = self._probing, False
        if self._failures >= self._most and not probing:
            return  # it began before the breaker opened
        self._failures = min(self._failures + 1, self._most)
        if self._failures >= self._most:
            if probing:
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            self._until = self._clock() + self._pause

    def unknown(self) -> None:
        """Count nothing: the search ended for another reason."""
        self._probing = False
