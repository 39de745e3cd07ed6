"""Run one batch: read pairs, score them, give each job its scores; cope with little memory and failing models."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from resift.rerank.scorer import Scores
from resift.rerank.scorers.predictor import OutOfMemoryError
from resift.rerank.service.batching.batch_models import BatchModel
from resift.rerank.service.batching.fair_queue import FairQueue
from resift.rerank.service.batching.job import Job, Lane
from resift.rerank.service.batching.memory import ReducedBudgets
from resift.rerank.service.batching.observer import BatchFacts, Observer
from resift.rerank.service.batching.rounds import Chunk
from resift.rerank.service.score_cache import ScoreCache
from resift.retrieval.errors import ModelError, ResiftError


@dataclass(slots=True)
class Part:
    """The rows of one job in a batch; they are rows of one of its chunks."""

    job: Job
    chunk: Chunk
    rows: list[int]

    @property
    def tokens(self) -> int:
        """The tokens of the rows, without padding."""
        return int(self.chunk.prepared.lengths[self.rows].sum())


class BatchScorer:
    """Scores batches on the thread of the models; `lock` is the batcher's, for jobs and `queue`."""

    def __init__(self, lock: Lock, queue: FairQueue, cache: ScoreCache, observer: Observer) -> None:
        """Take scores from `cache` and put them there."""
        self.queue, self.cache, self.observer = queue, cache, observer
        self._lock = lock
        self._budgets = ReducedBudgets()

    def read(self, job: Job) -> bool:
        """Let the model read the next pairs of a job, if none that it has read wait; returns whether there are some.

        A model that cannot read them fails the job.
        """
        with self._lock:
            if job.over or job.round.ready:
                return not job.over
            places = job.round.unread()
            pairs = [job.round.pairs[place] for place in places]
        if not places:
            return False
        started = time.monotonic()
        try:
            prepared = job.lane.model.prepare(pairs, job.work.document_tokens)
        except BaseException as error:  # one request must not end the thread, not even by a panic of Rust code
            self.fail(job, error)
            return False
        with self._lock:
            job.round.add(prepared, places)
            job.timings.tokenizing += time.monotonic() - started
            return not job.over

    def score(self, parts: Sequence[Part]) -> int:
        """Score one batch, store its scores, and return the tokens that were scored, without padding.

        A batch that does not fit into memory is halved the next time.
        """
        lane, started = parts[0].job.lane, time.monotonic()
        rows = [(part.chunk.prepared, row) for part in parts for row in part.rows]
        longest = max(int(prepared.lengths[row]) for prepared, row in rows)
        try:
            scores = lane.model.run(rows)
            _check(scores, len(rows))
        except OutOfMemoryError:
            return self._reduce(lane, parts, longest)
        except BaseException as error:  # one request must not end the thread
            return self._recover(lane, parts, error)
        seconds = time.monotonic() - started
        self._budgets.grow(lane.model)
        tokens = sum(part.tokens for part in parts)
        self.observer.batch(BatchFacts(len(rows), tokens, longest * len(rows), seconds, len(parts)))
        place = 0
        for part in parts:
            self._store(part, scores[place : place + len(part.rows)], seconds)
            place += len(part.rows)
        return tokens

    def use_cache(self, job: Job) -> bool:
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

    def _store(self, part: Part, scores: Scores, seconds: float) -> None:
        """Give a job its scores of a batch that took `seconds`, and the cache too; end its round if it is complete."""
        job, places = part.job, [part.chunk.places[row] for row in part.rows]
        if not np.isfinite(scores.logits).all():
            self.fail(job, ModelError("the model's scores are NaN or infinite; its weights are damaged"))
            return
        self.cache.put(
            job.lane.revision, job.work.document_tokens, [job.round.pairs[place] for place in places], scores
        )
        with self._lock:
            if job.over:
                return
            self.queue.charge(job, part.tokens)
            job.timings.scoring += seconds
            job.timings.tokens += part.tokens
            job.round.put(places, scores)
            if job.round.complete and (not job.advance() or self.use_cache(job)):
                self.queue.remove(job)
                job.learn()

    def _reduce(self, lane: Lane, parts: Sequence[Part], longest: int) -> int:
        """Halve the batches of a model that has too little memory; a pair that does not fit alone fails its job."""
        rows = sum(len(part.rows) for part in parts)
        self.observer.out_of_memory()
        if rows == 1:
            message = f"there is not enough memory for one pair of {longest} tokens; reduce `max_length`"
            self.fail(parts[0].job, ModelError(message))
        else:
            self._budgets.reduce(lane.model, rows // 2 * longest)
            self._put_back(parts)
        return 0

    def _recover(self, lane: Lane, parts: Sequence[Part], error: BaseException) -> int:
        """After a failed batch: find the job that the model fails for, or leave a device that does not work any more.

        Returns the tokens that were scored after all.
        """
        if len(parts) > 1:
            return sum(self.score([part]) for part in parts)  # each alone, so that one request cannot fail the others
        spare = None
        if lane.model.elsewhere and not _works(lane.model):
            try:
                spare = lane.model.on_cpu()
            except ResiftError as second:
                error = second
        if spare is None:
            self.fail(parts[0].job, error)
            return 0
        lane.model, lane.moved = spare, str(error)
        self.observer.moved_to_cpu()
        self._put_back(parts)
        return 0

    def _put_back(self, parts: Sequence[Part]) -> None:
        with self._lock:
            for part in parts:
                if not part.job.over:
                    part.job.round.put_back(part.chunk, part.rows)

    def fail(self, job: Job, error: BaseException) -> None:
        """End a job with an error."""
        with self._lock:
            self.queue.remove(job)
            job.fail(error if isinstance(error, ResiftError) else ModelError(f"{type(error).__name__}: {error}"))


def _check(scores: Scores, rows: int) -> None:
    """Raise ModelError if there is not one score per row."""
    if len(scores.logits) != rows:
        raise ModelError(f"the scorer returned {len(scores.logits)} scores for {rows} pairs")


def _works(model: BatchModel) -> bool:
    """Return whether a model scores the plainest pair, so that what failed was due to the pairs and not to it."""
    try:
        return bool(np.isfinite(model.run([(model.prepare([("a", "b")], None), 0)]).logits).all())
    except BaseException:  # whatever it is, it does not work
        return False
