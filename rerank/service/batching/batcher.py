"""Make batches of the pairs of many requests, by a budget of tokens, on the one thread that runs the models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from resift.rerank.service.batching.admission import OverloadedError, make_room
from resift.rerank.service.batching.batch_scorer import BatchScorer, Part
from resift.rerank.service.batching.fair_queue import FairQueue
from resift.rerank.service.batching.job import Job
from resift.rerank.service.batching.observer import Observer
from resift.rerank.service.score_cache import ScoreCache
from resift.rerank.work_queue import WorkQueue

T = TypeVar("T")

COMPANIONS = 4
"""Requests that are read early, at most, to fill up the batch of the one in turn, which waits for that."""

OTHER_WORK = 256
"""Pieces of work besides batches, such as loading a model, that may wait for the thread."""


class Batcher:
    """Takes jobs from any thread, and completes their futures; batches are made and scored on its own thread."""

    def __init__(self, max_seconds: float, cache: ScoreCache, observer: Observer) -> None:
        """Admit jobs while the queue takes at most `max_seconds`, by the measured rate."""
        self.max_seconds, self.cache = max_seconds, cache
        self.queue = FairQueue(max_seconds)
        self._lock = threading.Lock()
        self._scorer = BatchScorer(self._lock, self.queue, cache, observer)
        self._thread = WorkQueue(OTHER_WORK)
        self._running = False

    def another(self) -> Batcher:
        """Return a batcher of the same kind with a thread of its own."""
        return Batcher(self.max_seconds, self.cache, self._scorer.observer)

    def submit(self, job: Job) -> None:
        """Queue `job`; scores in the cache are used at once. Raises OverloadedError if there is no room for it."""
        if self._scorer.use_cache(job):  # nobody else has the job yet, so that no lock is needed
            return
        with self._lock:
            for victim in make_room(self.queue, job, self.max_seconds):
                self.queue.remove(victim)
                victim.fail(OverloadedError("more urgent requests took its place in the queue; send it again", 1))
            self.queue.add(job)
            start, self._running = not self._running, True
        if start:
            self._thread.submit(self._step)

    def leave(self, job: Job) -> None:
        """Count one waiter of `job` less; when nobody waits for it, its pairs leave the queue."""
        with self._lock:
            job.waiters -= 1
            if job.waiters <= 0 and not job.over:
                self.queue.remove(job)
                job.future.cancel()

    def join(self, job: Job, priority: int) -> bool:
        """Count one waiter of `job` more, if it is not over; returns whether it is not."""
        with self._lock:
            if job.over or job.waiters <= 0:
                return False
            job.waiters += 1
            job.priority = min(job.priority, priority)
            return True

    def reached(self, job: Job, read: Callable[[Job], T]) -> T:
        """Return what `read` returns for `job`, while no score is being stored."""
        with self._lock:
            return read(job)

    def waiting(self) -> tuple[int, float]:
        """Return how many jobs are not finished, and how many seconds they will take."""
        with self._lock:
            return len(self.queue), self.queue.seconds()

    def run(self, work: Callable[[], T]) -> Future[T]:
        """Run `work` on the thread of the models, between two batches."""
        return self._thread.submit(work)

    def close(self) -> None:
        """End the thread; jobs that are not finished fail."""
        with self._lock:
            for job in list(self.queue):
                self.queue.remove(job)
                job.fail(OverloadedError("the server is stopping", 1))
        self._thread.close()

    def _step(self) -> None:
        """Make and score one batch, and come back while there is work."""
        started = time.monotonic()
        try:
            parts = self._next_batch()
            if parts:
                tokens = self._scorer.score(parts)
                # with the time for reading and bookkeeping, without which the queue would seem faster than it is
                parts[0].job.lane.rate.measure(tokens, time.monotonic() - started)
        except BaseException as error:  # a defect here must not end the thread, nor be met again by the next step
            with self._lock:
                culprit = next(iter(self.queue.ordered()), None)
            if culprit is not None:
                self._scorer.fail(culprit, error)
        finally:
            with self._lock:
                self._running = again = bool(len(self.queue))
            if again:
                self._thread.submit(self._step)

    def _next_batch(self) -> list[Part]:
        """Take the rows of a batch: of the job to serve next, and what fits beside them of the others."""
        with self._lock:
            jobs = self.queue.ordered()
        while jobs and not self._scorer.read(jobs[0]):
            jobs.pop(0)
        if not jobs:
            return []
        first, model = jobs[0], jobs[0].lane.model
        with self._lock:
            if first.over:
                return []
            longest = first.round.longest()
            room = min(max(1, model.budget // longest), model.most_rows or model.budget)
            parts = [self._take(first, 1, longest, room)]
        room -= len(parts[0].rows)
        unread = COMPANIONS
        for job in jobs[1:]:
            if room <= 0 or unread <= 0:
                break
            if job.lane is not first.lane:
                continue
            unread -= not job.round.ready
            if self._scorer.read(job):
                with self._lock:  # shorter pairs of other jobs would be mostly padding
                    parts.append(self._take(job, longest // 2, longest, 0 if job.over else room))
                room -= len(parts[-1].rows)
        return [part for part in parts if part.rows]

    def _take(self, job: Job, shortest: int, longest: int, most: int) -> Part:
        """Take rows of a job that was read, for a batch, under the lock."""
        chunk, rows = job.round.take(shortest, longest, most)
        if rows and job.timings.started is None:
            job.timings.started = time.monotonic()
        return Part(job, chunk, rows)
