"""A model for tests of the batcher: a pair's tokens are its words, and its logit is a number in its document."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.predictor import OutOfMemoryError
from resift.rerank.service.batching.batch_models import BatchModel, Prepared
from resift.rerank.service.batching.batcher import Batcher
from resift.rerank.service.batching.estimate import Rate
from resift.rerank.service.batching.job import Job, Lane, QueuePlace, Work
from resift.rerank.service.batching.observer import NoObserver
from resift.rerank.service.score_cache import ScoreCache
from resift.rerank.template import RenderedText


class LengthsModel:
    """Scores "number word word ...": the logit is the number. `batches` has the documents of each batch, in order.

    It waits before each batch until `gate` is set, fails for a document with the number of `poison`, and has memory for
    `memory` tokens.
    """

    def __init__(self, budget: int = 100, memory: int = 10**9, poison: float | None = None) -> None:
        self.budget = budget
        self.most_rows: int | None = None
        self.memory, self.poison = memory, poison
        self.batches: list[list[str]] = []
        self.gate, self.entered = threading.Event(), threading.Event()
        self.gate.set()

    def prepare(self, pairs: Sequence[Pair], document_tokens: int | None) -> Prepared:
        return Prepared(np.array([len(text.split()) for _, text in pairs], dtype=np.int64), None, pairs)

    def run(self, rows: Sequence[tuple[Prepared, int]]) -> Scores:
        self.entered.set()
        assert self.gate.wait(30)
        texts = [prepared.pairs[row][1] for prepared, row in rows]
        if max(len(text.split()) for text in texts) * len(texts) > self.memory:
            raise OutOfMemoryError
        self.batches.append(texts)
        logits = np.array([float(text.split()[0]) for text in texts], dtype=np.float32)
        if self.poison is not None and self.poison in logits:
            raise ValueError("the model failed")
        no = np.zeros(len(texts), dtype=bool)
        return Scores(logits, no, no, np.array([len(text) for text in texts], dtype=np.int64))

    @property
    def elsewhere(self) -> bool:
        return False

    def on_cpu(self) -> BatchModel | None:
        return None


def document(number: float, words: int) -> str:
    """Return a document of so many words, whose logit is `number`."""
    return " ".join([str(number), *["word"] * (words - 1)])


def work(documents: Sequence[str], query: str = "q", tokens: int | None = None) -> Work:
    """Return documents as work; without `tokens`, a word is a token."""
    pairs = [(query, RenderedText(text)) for text in documents]
    return Work(pairs, tokens=sum(len(text.split()) for text in documents) if tokens is None else tokens)


def job(lane: Lane, given: Work, caller: str = "", priority: int = 0, in_order: bool = False) -> Job:
    """Return work as a job."""
    return Job(lane, given, QueuePlace(caller, priority, in_order))


def lane(model: LengthsModel) -> Lane:
    """Return the lane of a model, at 100 tokens a second until a batch is measured."""
    return Lane(model, "lengths:1", Rate(100.0))


def batcher(seconds: float = 1e9, cache_bytes: int = 0) -> Batcher:
    """Return a batcher that admits `seconds` of work."""
    return Batcher(seconds, ScoreCache(cache_bytes), NoObserver())


def logits(one: Job) -> list[float]:
    """Wait for a job and return its logits."""
    return [float(value) for value in one.future.result(30).scores.logits]


def blocked(running: Batcher, model: LengthsModel) -> Job:
    """Return a job whose first batch is in the model, which waits for its gate."""
    model.gate.clear()
    first = job(lane(model), work([document(0, 1)]), "blocker")
    running.submit(first)
    assert model.entered.wait(30)
    return first


def finished(**jobs: Job) -> Callable[[], list[str]]:
    """Return a function that waits for all jobs, and returns their names in the order in which they were done."""
    names: list[str] = []
    all_done = threading.Event()

    def note(name: str, _: object) -> None:
        names.append(name)
        if len(names) == len(jobs):
            all_done.set()

    def wait() -> list[str]:
        assert all_done.wait(30)
        return names

    for name, one in jobs.items():
        one.future.add_done_callback(partial(note, name))
    return wait
