"""One request on its way through the model: its rounds of pairs, who waits for it, and what it cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from resift.rerank.passages import PassageScores, Rounds, read_rounds
from resift.rerank.scorer import Scores
from resift.rerank.service.batching.batch_models import BatchModel
from resift.rerank.service.batching.estimate import Rate
from resift.rerank.service.batching.rounds import Round
from resift.rerank.template import RenderedText


@dataclass(slots=True)
class Lane:
    """What all jobs of one model share: the model, the measured rate, and its key in the cache of scores.

    `moved`: why the model left its device for the CPU, None if it did not.
    """

    model: BatchModel
    revision: str
    rate: Rate = field(default_factory=Rate)
    moved: str | None = None
    _probable: float = 2000.0
    _real: float = 2000.0

    @property
    def ratio(self) -> float:
        """How many tokens the texts had, per probable token, in the last jobs."""
        return self._real / self._probable

    def learn(self, probable: int, real: int) -> None:
        """Take a finished job into account, of `probable` tokens by estimate and `real` tokens."""
        self._probable = 0.98 * self._probable + probable
        self._real = 0.98 * self._real + real


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be scored: (query, document's text) pairs, in the order of the first stage.

    `passages` and `stride` are those of `resift.rerank.passages.read_rounds`; of each document at most
    `document_tokens` tokens are read, if it is given. `tokens`: how many it will probably take in all.
    """

    pairs: Sequence[tuple[str, RenderedText]]
    passages: int = 1
    stride: float = 0.75
    document_tokens: int | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """The place_in_queue of a request in the queue.

    `caller`: who sent it; callers get equal shares. `priority`: 0 is the most urgent. `in_order`: the first pairs are
    scored first, since the caller may stop waiting before the last.
    """

    caller: str = ""
    priority: int = 0
    in_order: bool = False


@dataclass(slots=True)
class Timings:
    """Moments by the monotonic clock, in seconds, and sums of seconds and tokens."""

    submitted: float = field(default_factory=time.monotonic)
    started: float | None = None
    finished: float | None = None
    tokenizing: float = 0.0
    scoring: float = 0.0
    tokens: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Partial:
    """The scores of the pairs that were reached: `reached` are their indices, ascending; `scores` are only theirs."""

    reached: list[int]
    scores: PassageScores


class Job:
    """One request: the batcher takes its rows, stores their scores, and completes its future.

    All methods are called under the batcher's lock, or by its thread where they say so.
    """

    def __init__(self, lane: Lane, work: Work, place_in_queue: QueuePlace = QueuePlace()) -> None:  # noqa: B008 - frozen
        """Begin the first round."""
        self.lane, self.work, self.place_in_queue = lane, work, place_in_queue
        self.priority = place_in_queue.priority
        self.future: Future[PassageScores] = Future()
        self.timings = Timings()
        self.waiters = 1
        self.oversized = False  # by itself it takes longer than the bound of the queue
        self.start = self.tag = 0.0  # virtual times at which it came, and an equal share would have finished it
        self.received = 0.0  # seconds of scoring that it was served
        self.tokens_left = max(1, work.tokens) * lane.ratio
        self._completed: list[Scores] = []
        self._rounds: Rounds = read_rounds(work.pairs, work.passages, work.stride)
        self.round = Round(next(self._rounds), place_in_queue.in_order)

    @property
    def over(self) -> bool:
        """Whether the job is finished, failed or cancelled."""
        return self.future.done()

    @property
    def started(self) -> bool:
        """Whether a batch has contained a pair of it."""
        return self.timings.started is not None

    def advance(self) -> bool:
        """End a complete round: begin the next one, or complete the future. Returns whether there is a next round."""
        scores = self.round.scores()
        self._completed.append(scores)
        try:
            self.round = Round(self._rounds.send(scores), self.place_in_queue.in_order)
        except StopIteration as done:
            self.timings.finished = time.monotonic()
            self.tokens_left = 0.0
            self.future.set_result(done.value)
            return False
        return True

    def learn(self) -> None:
        """Compare the estimate of a finished job with what it took, unless scores were known before."""
        if not self.timings.cached and self.future.done() and not self.future.cancelled():
            self.lane.learn(max(1, self.work.tokens), self.timings.tokens)

    def fail(self, error: Exception) -> None:
        """End the job with `error`."""
        if not self.over:
            self.timings.finished = time.monotonic()
            self.future.set_exception(error)

    def partial(self) -> Partial:
        """Return the scores known so far: of a part of the first round, or of all rounds that are complete."""
        if self._completed:
            replayed = read_rounds(self.work.pairs, len(self._completed), self.work.stride)
            next(replayed)
            return Partial(list(range(len(self.work.pairs))), _send_all(replayed, self._completed))
        reached = np.flatnonzero(self.round.done[self.round.rows]).tolist()
        scores = self.round.scores()
        read = None if scores.read_characters is None else scores.read_characters[reached]
        part = Scores(scores.logits[reached], scores.truncated[reached], scores.query_truncated[reached], read)
        rounds = read_rounds([self.work.pairs[place] for place in reached], 1, self.work.stride)
        next(rounds)
        return Partial(reached, _send_all(rounds, [part]))


def _send_all(rounds: Rounds, known: Sequence[Scores]) -> PassageScores:
    """Return the result of `rounds`, which ask for exactly the scores in `known`."""
    try:
        for scores in known:
            rounds.send(scores)
    except StopIteration as done:
        found: PassageScores = done.value
        return found
    raise AssertionError("more rounds than scores")
