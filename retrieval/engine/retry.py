"""Retry a call to an engine: which errors are transient, how long to wait, and when to give up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import tenacity

from resift.retrieval.engine.client_errors import UNTRUSTED
from resift.retrieval.errors import ResiftError, StatusError

T = TypeVar("T")
TRANSIENT_STATUSES = (429, 502, 503, 504)
"""The HTTP statuses that are retried."""
LONGEST_WAIT = 20.0  # seconds between two attempts


class StoppedError(ResiftError):
    """Another thread asked to stop while this one waited for its next attempt."""


class Patience:
    """A number of seconds without progress after which to give up; safe to share between threads."""

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self.seconds = seconds
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._running = 0  # threads in `running`

    def restart(self) -> None:
        """Start the clock again, because there was progress."""
        self._started = time.monotonic()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start the clock again if no other thread is in this context: a time without any work is not a wait."""
        with self._lock:
            if not self._running:
                self.restart()
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    @property
    def elapsed(self) -> float:
        """Seconds since the start or the last restart."""
        return time.monotonic() - self._started

    @property
    def exhausted(self) -> bool:
        """True if more than `seconds` have passed since then."""
        return self.elapsed > self.seconds


def is_transient(error: BaseException) -> bool:
    """Return True if a retry may succeed: an overloaded engine, a node that is down, a lost connection."""
    return isinstance(error, StatusError) and error.status in (0, *TRANSIENT_STATUSES) and error.kind != UNTRUSTED


def backoff(retry: int) -> float:
    """Return the seconds to wait before retry number `retry`, counted from 0: random, with a limit that doubles.

    Source: full jitter, M. Brooker (2015), "Exponential backoff and jitter", AWS Architecture Blog.
    """
    return random.uniform(0.1, min(LONGEST_WAIT, 0.25 * 2 ** min(retry, 16)))


class Retry:
    """Repeats a call until it succeeds, or a limit is reached; use one object per thread.

    Retries are not nested: work that is repeated as a whole sends each of its requests `once()`.

    >>> Retry(attempts=3).call(lambda: "done")
    'done'
    """

    def __init__(
        self,
        *,
        attempts: int | None = None,
        patience: Patience | None = None,
        wait: Callable[[int], float] = backoff,
        transient: Callable[[BaseException], bool] = is_transient,
        stop: threading.Event | None = None,
    ) -> None:
        """Give up at a failure after `attempts` calls without progress, or once `patience` is exhausted.

        `wait` maps the number of a retry, from 0, to the seconds to wait before it, which are never more than what is
        left of `patience`. Only errors for which `transient` returns True are retried. Setting `stop` ends a wait at
        once, and no call is made after it. Raises ValueError without any limit.
        """
        if attempts is None and patience is None:
            raise ValueError("no limit: expected attempts, patience, or both")
        self._attempts = attempts
        self._patience = patience
        self._wait = wait
        self._transient = transient
        self._stop = stop
        self._failures = 0  # since the last progress

    def call(self, act: Callable[[], T], succeeded: Callable[[T], bool] = lambda result: True) -> T:
        """Call `act` until `succeeded` returns True for its result; return that result, or the last one at the limit.

        Raises what `act` raises, once it is not transient or the limit is reached, and StoppedError if `stop` is set
        before the first call or during a wait.
        """
        self._failures = 0
        if self._stop is not None and self._stop.is_set():
            raise StoppedError("stopped before the first attempt")
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._transient)
            | tenacity.retry_if_result(lambda result: not succeeded(result)),
            after=self._count_failure,
            wait=lambda state: self._next_wait(),
            stop=lambda state: self._at_limit(),
            sleep=self._sleep,
            retry_error_callback=_last_outcome,
        )
        return retrying(act)

    def progressed(self) -> None:
        """Count attempts from 0 again and restart the patience; for `act` to call when part of its work succeeded."""
        self._failures = 0
        if self._patience:
            self._patience.restart()

    def _count_failure(self, state: tenacity.RetryCallState) -> None:
        self._failures += 1

    def _next_wait(self) -> float:
        """Return the seconds to wait before the next attempt, the last of which is made when `patience` runs out."""
        seconds = self._wait(self._failures - 1)
        if self._patience is None:
            return seconds
        return max(0.0, min(seconds, self._patience.seconds - self._patience.elapsed))

    def _at_limit(self) -> bool:
        if self._attempts is not None and self._failures >= self._attempts:
            return True
        return self._patience is not None and self._patience.exhausted

    def _sleep(self, seconds: float) -> None:
        if self._stop is None:
            time.sleep(seconds)
        elif self._stop.wait(seconds):
            raise StoppedError("stopped while waiting for the next attempt")


def once() -> Retry:
    """Return a Retry that makes one attempt, for a request inside work that is retried as a whole."""
    return Retry(attempts=1)


def _last_outcome(state: tenacity.RetryCallState) -> Any:  # noqa: ANN401 - whatever the call returns
    """Return the result of the last attempt, or raise its error."""
    assert state.outcome is not None
    return state.outcome.result()
