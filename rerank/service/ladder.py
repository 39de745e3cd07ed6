"""Change to a smaller model under load, and back: a ladder of models that is climbed by the time in the queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from resift.rerank.service.logs import NAME

_LOG = logging.getLogger(NAME)

DOWN_AT = 0.5
"""Share of the queue's bound above which the next smaller model is used."""

UP_AT = 0.1
"""Share of the queue's bound below which the next larger model is tried again."""

DWELL = 2.0
"""Seconds below `UP_AT` before the larger model is tried; half as many between two steps down."""


@dataclass(slots=True)
class Ladder:
    """Which rung is used now: 0 is the best model; `steps_down` and `steps_up` count the changes.

    `clock` returns seconds.
    """

    rungs: Sequence[str]
    clock: Callable[[], float] = time.monotonic
    rung: int = 0
    steps_down: int = 0
    steps_up: int = 0
    _changed: float = float("-inf")
    _load: float = 0.0  # at the last step down
    _calm_since: float | None = None

    def choose(self, load: float) -> str:
        """Return the name to use at this `load`, the queue's time as a share of its bound, 0 to 1 and above.

        The rung falls by one where the load is above `DOWN_AT`, but not while it is falling since the last step: what
        waits for a larger model is finished first. It rises by one after the load was below `UP_AT` for `DWELL`
        seconds. In between it stays, so that the models do not change with every request.

        >>> ladder = Ladder(["large", "small"], clock=lambda: 0.0)
        >>> ladder.choose(0.2), ladder.choose(0.8), ladder.choose(0.2)
        ('large', 'small', 'small')
        """
        now = self.clock()
        if load > DOWN_AT:
            self._calm_since = None
            waited = now - self._changed >= DWELL / 2
            if waited and self.rung < len(self.rungs) - 1 and (self.rung == 0 or load > self._load):
                self.rung, self.steps_down, self._changed = self.rung + 1, self.steps_down + 1, now
                _LOG.warning("smaller model", extra={"facts": {"model": self.rungs[self.rung], "load": round(load, 2)}})
            if waited:
                self._load = load
        elif load >= UP_AT:
            self._calm_since = None
        else:
            self._calm_since = now if self._calm_since is None else self._calm_since
            if self.rung > 0 and now - self._calm_since >= DWELL:
                self.rung, self.steps_up = self.rung - 1, self.steps_up + 1
                self._changed, self._calm_since, self._load = now, now, 0.0
                _LOG.warning("larger model", extra={"facts": {"model": self.rungs[self.rung], "load": round(load, 2)}})
        return self.rungs[self.rung]
