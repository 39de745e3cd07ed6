"""Score the pairs of many requests in common batches, by a budget of tokens, on the one thread that runs the models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from resift.rerank.scorer import Scores
from resift.rerank.scorers.predictor import OutOfMemoryError
from resift.rerank.service.batching.admission import OverloadedError, make_room
from resift.rerank.service.batching.batch_models import Prepared
from resift.rerank.service.batching.fair_queue import FairQueue
from resift.rerank.service.batching.job import Job, Lane
from resift.rerank.service.batching.memory import ReducedBudgets
from resift.rerank.service.batching.observer import BatchFacts, Observer
from resift.rerank.service.score_cache import ScoreCache
from resift.rerank.work_queue import WorkQueue
from resift.retrieval.errors import ModelError, ResiftError

T = TypeVar("T")

COMPANION_PAIRS = 256
"""Pairs of a request that is read early to fill up another one's batch, at most: reading more would delay that one."""

OTHER_WORK = 256
"""Pieces of work besides batches, such as loading a model, that may wait for the thread."""


@dataclass(slots=True)
class _Part:
    """The rows of one job in a batch."""

    job: Job
    prepared: Prepared
    rows: list[int]


class Batcher:
    """Takes jobs from any thread, and completes their futures; batches are made and scored on its own thread."""

    def __init__(self, max_seconds: float, cache: ScoreCache, observer: Observer) -> None:
        """Admit jobs while the queue takes at most `max_seconds`, by the measured rate."""
        self.max_seconds, self.cache, self.observer = max_seconds, cache, observer
        self.queue = FairQueue(max_seconds)
        self._lock = threading.Lock()
        self._thread = WorkQueue(OTHER_WORK)
        self._running = False
        self._budgets = ReducedBudgets()

    def submit(self, job: Job) -> None:
        """Queue `job`; scores in the cache are used at once. Raises OverloadedError if there is no room for it."""
        with self._lock:
            if self._use_cache(job):
                return
            shed = make_room(self.queue, job, self.max_seconds)
            for victim in shed:
                self.queue.remove(victim)
            self.queue.add(job)
            start, self._running = not self._running, True
        for victim in shed:
            victim.fail(OverloadedError("more urgent requests took its place in the queue; send it again", 1))
        if start:
            self._thread.submit(self._step)

    def leave(self, job: Job) -> None:
        """Count one waiter of `job` less; when nobody waits for it, its pairs leave the queue."""
        with self._lock:
            job.waiters -= 1
            if job.waiters <= 0 and not job.over:
                self.queue.remove(job)
                job.future.cancel()
                self.observer.cancelled()

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
            left = list(self.queue)
            for job in left:
                self.queue.remove(job)
        for job in left:
            job.fail(OverloadedError("the server is stopping", 1))
        self._thread.close()

    def _step(self) -> None:
        """Make and score one batch, and come back while there is work."""
        parts: list[_Part] = []
        started = time.monotonic()
        try:
            parts = self._next_batch()
            if parts:
                served = self._score(parts)
                # with the time for tokens and bookkeeping, without which the queue would seem faster than it is
                parts[0].job.lane.rate.measure(served, time.monotonic() - started)
        except Exception as error:  # a defect here must not leave requests that wait for ever
            with self._lock:
                jobs = [part.job for part in parts] or list(self.queue)
            for job in jobs:
                self._fail(job, error)
        finally:
            with self._lock:
                self._running = bool(len(self.queue))
                again = self._running
            if again:
                self._thread.submit(self._step)

    def _next_batch(self) -> list[_Part]:
        """Take the rows of a batch: of the job to serve next, and what fits beside them of the others."""
        with self._lock:
            jobs = self.queue.ordered()
        while jobs and not self._prepare(jobs[0]):
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
        least = longest // 2  # shorter pairs of other jobs would be mostly padding
        for job in jobs[1:]:
            waits = job.round.prepared is None and len(job.round.pairs) > COMPANION_PAIRS
            if room <= 0:
                break
            if job.lane is first.lane and not waits and self._prepare(job):
                with self._lock:
                    parts.append(self._take(job, least, longest, 0 if job.over else room))
                room -= len(parts[-1].rows)
        return [part for part in parts if part.rows]

    def _take(self, job: Job, shortest: int, longest: int, most: int) -> _Part:
        """Take rows of a prepared job for a batch, under the lock."""
        assert job.round.prepared is not None
        rows = job.round.take(shortest, longest, most)
        if rows and job.timings.started is None:
            job.timings.started = time.monotonic()
        return _Part(job, job.round.prepared, rows)

    def _prepare(self, job: Job) -> bool:
        """Let the model read the pairs of a job's round, once; returns whether there are pairs to take."""
        if job.round.prepared is None and not job.over:
            started = time.monotonic()
            try:
                prepared = job.lane.model.prepare(job.round.missing(), job.work.document_tokens)
            except Exception as error:  # one request must not end the thread
                self._fail(job, error)
                return False
            with self._lock:
                job.round.queue(prepared)
                job.timings.tokenizing += time.monotonic() - started
        return not job.over and job.round.left > 0

    def _score(self, parts: list[_Part]) -> float:
        """Score one batch and store its scores; a batch that does not fit into memory is halved the next time.

        Returns how many probable tokens were served.
        """
        lane, started = parts[0].job.lane, time.monotonic()
        rows = [(part.prepared, row) for part in parts for row in part.rows]
        lengths = np.array([prepared.lengths[row] for prepared, row in rows], dtype=np.int64)  # (rows,)
        try:
            scores = lane.model.run(rows)
            if len(scores.logits) != len(rows):
                raise ModelError(f"the scorer returned {len(scores.logits)} scores for {len(rows)} pairs")
        except OutOfMemoryError:
            self._reduce(lane, parts, int(lengths.max()))
            return 0.0
        except Exception as error:  # one request must not end the thread
            return self._recover(lane, parts, error)
        seconds = time.monotonic() - started
        self._budgets.grow(lane.model)
        served = self._store(lane, parts, scores, seconds)
        self.observer.batch(
            BatchFacts(len(rows), int(lengths.sum()), int(lengths.max()) * len(rows), seconds, len(parts))
        )
        return served

    def _store(self, lane: Lane, parts: Sequence[_Part], scores: Scores, seconds: float) -> float:
        """Give each job its scores, and the cache too; complete the jobs whose last score this was."""
        place, served = 0, 0.0
        for part in parts:
            job, found = part.job, scores[place : place + len(part.rows)]
            place += len(part.rows)
            if not np.isfinite(found.logits).all():
                self._fail(job, ModelError("the model's scores are NaN or infinite; its weights are damaged"))
                continue
            with self._lock:
                if job.over:
                    continue
                share = job.tokens_left * len(part.rows) / max(1, len(part.rows) + job.round.left)
                served += share
                self.queue.charge(job, share)
                job.timings.scoring += seconds
                job.timings.tokens += int(part.prepared.lengths[part.rows].sum())
                places = job.round.store(part.rows, found)
                pairs = [job.round.pairs[one] for one in places]
                complete = job.round.complete
            self.cache.put(lane.revision, job.work.document_tokens, pairs, found)
            if complete:
                self._advance(job)
        return served

    def _advance(self, job: Job) -> None:
        """End the round of a job, and those after it whose scores are in the cache."""
        with self._lock:
            if job.over:
                return
            if not job.advance() or self._use_cache(job):
                self.queue.remove(job)

    def _use_cache(self, job: Job) -> bool:
        """Take scores of the job's round from the cache; returns whether the job is finished by that."""
        while True:
            known = self.cache.get(job.lane.revision, job.work.document_tokens, job.round.pairs)
            if known is not None:
                places, scores = known
                job.timings.cached += len(places)
                job.tokens_left *= 1 - len(places) / max(1, len(job.round.pairs))
                job.round.put(places, scores)
            if not job.round.complete:
                return False
            if not job.advance():
                return True

    def _reduce(self, lane: Lane, parts: list[_Part], longest: int) -> None:
        """Halve the batches of a model that has too little memory; a pair that does not fit alone fails its job."""
        rows = sum(len(part.rows) for part in parts)
        self.observer.out_of_memory()
        if rows == 1:
            message = f"there is not enough memory for one pair of {longest} tokens; reduce `max_length`"
            self._fail(parts[0].job, ModelError(message))
            return
        self._budgets.reduce(lane.model, rows // 2 * longest)
        with self._lock:
            for part in parts:
                if not part.job.over:
                    part.job.round.put_back(part.rows)

    def _recover(self, lane: Lane, parts: list[_Part], error: Exception) -> float:
        """After a failed batch: run the model on the CPU if it was elsewhere, else find the job that it fails for.

        Returns how many probable tokens were served after all.
        """
        try:
            spare = lane.model.on_cpu()
        except ResiftError as second:
            spare, error = None, second
        if spare is not None:
            self.observer.moved_to_cpu(str(error))
            lane.model = spare
            for part in parts:
                with self._lock:
                    part.job.round.prepared = None  # its tokens are those of the other copy
            return 0.0
        if len(parts) == 1:
            self._fail(parts[0].job, error)
            return 0.0
        return sum(self._score([part]) for part in parts)  # each alone, so that one request cannot fail the others

    def _fail(self, job: Job, error: Exception) -> None:
        with self._lock:
            self.queue.remove(job)
            job.fail(error if isinstance(error, ResiftError) else ModelError(f"{type(error).__name__}: {error}"))
