"""A bounded queue in front of one worker thread: work is run in order, and refused if too much of it waits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class QueueFullError(Exception):
    """The queue has no room for another piece of work."""


class WorkQueue:
    """Runs work one piece at a time, in the order of submission; safe to share between threads and across a fork.

    >>> WorkQueue(capacity=2).submit(lambda: 1 + 1).result()
    2
    """

    def __init__(self, capacity: int) -> None:
        """Hold at most `capacity` pieces of work, the running one included."""
        self.capacity = capacity
        self._lock = threading.Lock()
        self._start()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Queue `work` and return its future, which can be cancelled until the work starts.

        What `work` raises is the future's exception; SystemExit and the like become RuntimeError, so that they end
        neither the worker nor the waiting thread. Raises QueueFullError if the queue is full.
        """
        with self._lock:
            if self._process != os.getpid():  # a forked child has the queue but not the thread of its parent
                self._start()
            pool, room = self._pool, self._room
        if not room.acquire(blocking=False):
            raise QueueFullError(f"{self.capacity} pieces of work wait already")
        try:
            future = pool.submit(_guarded, work)
        except BaseException:
            room.release()
            raise
        future.add_done_callback(lambda _: room.release())
        return future

    def close(self) -> None:
        """Finish the queued work and end the thread."""
        self._pool.shutdown()

    def _start(self) -> None:
        self._process = os.getpid()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="resift")
        self._room = threading.Semaphore(self.capacity)


def _guarded(work: Callable[[], T]) -> T:
    """Run `work`; an exception that is not an Exception is raised as RuntimeError."""
    try:
        return work()
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"the work raised {type(error).__name__}: {error}") from error
