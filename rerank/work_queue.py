"""A bounded queue in front of one worker thread: work is run in order, and refused if too much of it waits."""

from __future__ import annotations

import os
import threading
import weakref
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
        self._start()
        _QUEUES.add(self)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Queue `work` and return its future, which can be cancelled until the work starts.

        What `work` raises is the future's exception; SystemExit and the like become RuntimeError, so that they end
        neither the worker nor the waiting thread. Raises QueueFullError if the queue is full.
        """
        room = self._room
        if not room.acquire(blocking=False):
            raise QueueFullError(f"{self.capacity} pieces of work wait already")
        try:
            future = self._pool.submit(_guarded, work)
        except BaseException:
            room.release()
            raise
        future.add_done_callback(lambda _: room.release())
        return future

    def close(self) -> None:
        """Finish the queued work and end the thread."""
        self._pool.shutdown()

    def _start(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="resift")
        self._room = threading.Semaphore(self.capacity)


_QUEUES: weakref.WeakSet[WorkQueue] = weakref.WeakSet()


def _start_again() -> None:
    """Give each queue a new thread and new locks; those of the parent are dead in a forked child."""
    for queue in tuple(_QUEUES):
        queue._start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_again)


def _guarded(work: Callable[[], T]) -> T:
    """Run `work`; an exception that is not an Exception is raised as RuntimeError."""
    try:
        return work()
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__} was raised in the worker: {error}") from error
