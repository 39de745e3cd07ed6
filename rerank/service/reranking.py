"""What the service does with a request: choose the model, queue its pairs, wait as long as the caller does, answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from resift.rerank.candidates import Candidate, from_reranking, to_ranking
from resift.rerank.explanation import probability
from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.passages import PassageScores
from resift.rerank.reranker import Reranking, Window
from resift.rerank.scorer import Scores
from resift.rerank.scorers.registry import NO_MODEL
from resift.rerank.service.batching.admission import OverloadedError
from resift.rerank.service.batching.batcher import Batcher
from resift.rerank.service.batching.job import Job, Partial, QueuePlace, Work
from resift.rerank.service.call import (
    Effort,
    RequestOptions,
    RerankAnswer,
    RerankCall,
    Result,
    ScoreAnswer,
    ScoreCall,
    Treatment,
)
from resift.rerank.service.defined import defined
from resift.rerank.service.explaining import explained, with_words
from resift.rerank.service.ladder import Ladder
from resift.rerank.service.loaded_models import LoadedModel, LoadedModels
from resift.rerank.service.logs import NAME
from resift.rerank.service.request_error import RequestError, invalid, overloaded
from resift.rerank.service.shown_scores import rounded, shown_scores
from resift.rerank.service.work import effort_of, make_work, work_digest
from resift.rerank.template import RenderedText
from resift.retrieval.errors import ModelError
from resift.retrieval.types import Query, Ranking

_LOG = logging.getLogger(NAME)
_IN_THE_LOG = "the log of the service has the reason"  # which may name its files and the addresses behind it

IN_A_THREAD = 1 << 16
"""Characters of a request above which it is prepared in another thread than the event loop's."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: `name` for equal shares, and `since` when it came, in seconds of the monotonic clock.

    `left` returns when the caller hangs up; None if it cannot.
    """

    name: str = ""
    left: Callable[[], Awaitable[None]] | None = None
    since: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class RerankService:
    """The service without HTTP: models, batcher and ladder; `call` and `score` answer requests.

    `timeout_ms`: how long a request takes at most. `strict`: refuse unknown models. `definitions`: of known indices.
    """

    models: LoadedModels
    batcher: Batcher
    ladder: Ladder | None = None
    timeout_ms: int | None = None
    strict: bool = False
    definitions: IndexDefinitions = field(default_factory=IndexDefinitions)
    _in_flight: dict[bytes, Job] = field(default_factory=dict)

    async def call(self, call: RerankCall, caller: Caller) -> RerankAnswer:
        """Put the documents of `call` in order.

        Raises RequestError: 422 if the call cannot be used, 404 for an unknown model, 429 if there is no room, 503 if
        the model cannot be run.
        """
        name, degraded = self._choose(call.options.model)
        try:
            model = None if name == NO_MODEL else await self.acquire(name, call.options, caller)
        except TimeoutError:
            model = None
        if model is None:
            return _first_stage(call, name, degraded, caller)
        try:
            return await self._rerank(call, caller, model, degraded)
        except TimeoutError:  # there was not even time to prepare it
            return _first_stage(call, name, degraded, caller)
        except RequestError as error:
            if error.status == 429 and self._may_fall(call.options):  # rather the given order than an error
                return _first_stage(call, NO_MODEL, self.models.default, caller)
            raise
        finally:
            self.models.release(model)

    async def _rerank(self, call: RerankCall, caller: Caller, model: LoadedModel, degraded: str | None) -> RerankAnswer:
        """Answer `call` by `model`. Raises RequestError, and TimeoutError if the time is up before it is queued."""
        reranker = defined(model.alone if call.first_stage is None else model.fused, call)
        passages = call.options.passages or reranker.settings.passages

        def prepare() -> tuple[Window, Work]:
            window = reranker.window(_ranking(call))
            work = make_work(model, window.pairs, passages, call.options.document_tokens, reranker.settings.stride)
            return window, work

        if sum(len(document.text) for document in call.documents) > IN_A_THREAD:  # others are served meanwhile
            async with asyncio.timeout(self._left(call.options, caller)):
                window, work = await asyncio.to_thread(prepare)
        else:
            window, work = prepare()
        job, part = await self.run(model, work, call.options, caller)
        treatment = _treatment(call, model, job, part, (caller.since, degraded))
        window = window if len(part.reached) == len(window.scored) else window.only(part.reached)
        result = reranker.reorder(window, part.scores)
        order = from_reranking(result)
        shown = shown_scores(order, result.scale, call.raw)
        results = [Result(one.position, score) for one, score in zip(order, shown, strict=True)][: call.top_n]
        answer = RerankAnswer(results, treatment, explained(call, result, results, treatment.partial))
        return await with_words(answer, call, model, lambda work: self.run(model, work, call.options, caller))

    async def score(self, call: ScoreCall, caller: Caller) -> ScoreAnswer:
        """Score the pairs of `call`. Raises RequestError as `call` does, and 504 if not all are scored in time."""
        name = self._named(call.options.model)  # never a smaller one: a client may put scores of several calls together
        try:
            model = await self.acquire(name, call.options, caller)
        except TimeoutError:
            raise RequestError(504, "Timeout", "the model was not loaded in time; send it again later") from None
        try:
            pairs = [(query, RenderedText(text)) for query, text in call.pairs]
            job, part = await self.run(
                model, make_work(model, pairs, 1, call.options.document_tokens), call.options, caller
            )
            if len(part.reached) < len(pairs):
                raise RequestError(504, "Timeout", f"{len(part.reached)} of {len(pairs)} pairs were scored in time")
            scores: Scores = part.scores.scores
            shown = scores.logits.tolist() if call.raw else [probability(logit) for logit in scores.logits.tolist()]
            effort = effort_of(job, caller.since)
            truncated = int(scores.truncated.sum())
            treatment = Treatment(model.name, len(pairs), len(pairs), None, truncated, effort, model.device)
            return ScoreAnswer([rounded(score) for score in shown], scores, treatment)
        finally:
            self.models.release(model)

    async def watch_ladder(self, seconds: float = 0.5) -> None:
        """Tell the ladder the load all the time, so that it comes back up when no request arrives."""
        while self.ladder is not None:
            self.ladder.choose(self.load())
            await asyncio.sleep(seconds)

    def load(self) -> float:
        """Return the time of the queue as a share of its bound."""
        return self.batcher.waiting()[1] / self.batcher.max_seconds

    def _named(self, asked: str | None) -> str:
        """Return the name of the model that a request asks for. Raises RequestError if it is not known, if strict."""
        if not asked or asked == "default":
            return self.models.default
        if self.strict and asked not in self.models.specs:
            known = ", ".join(self.models.specs)
            raise RequestError(404, "NotFound", f"no model has the name {asked[:80]!r}; expected one of {known}")
        return asked if asked in self.models.specs else self.models.default

    def _choose(self, asked: str | None) -> tuple[str, str | None]:
        """Return the name of the model to use, and of the one that would be used without the load, if it is another.

        Raises RequestError.
        """
        name = self._named(asked)
        if self.ladder is None or name != self.models.default:
            return name, None
        rung = self.ladder.choose(self.load())
        return rung, self.ladder.rungs[0] if self.ladder.rung else None

    def _may_fall(self, options: RequestOptions) -> bool:
        """Return whether a request may be answered without a model: the ladder ends with none, and is used for it."""
        ladder = self.ladder
        return ladder is not None and ladder.rungs[-1] == NO_MODEL and self._named(options.model) == self.models.default

    def _left(self, options: RequestOptions, caller: Caller) -> float | None:
        """Return how many seconds are left of the time limit, at least 0; None if there is none."""
        limits = [limit for limit in (options.timeout_ms, self.timeout_ms) if limit is not None]
        return max(0.0, caller.since + min(limits) / 1000 - time.monotonic()) if limits else None

    async def acquire(self, name: str, options: RequestOptions, caller: Caller) -> LoadedModel:
        """Return the model `name`, loaded. Raises RequestError if it cannot be, TimeoutError if it takes too long."""
        try:
            async with asyncio.timeout(self._left(options, caller)):
                return await self.models.acquire(name)
        except TimeoutError:
            raise
        except Exception as error:
            _LOG.error("model not loaded", extra={"facts": {"model": name, "error": str(error)}})
            raise RequestError(503, "Backend", f"the model cannot be loaded; {_IN_THE_LOG}") from error

    async def run(self, model: LoadedModel, work: Work, options: RequestOptions, caller: Caller) -> tuple[Job, Partial]:
        """Queue `work`, or join a request for the same work, and wait until it is done or the time is up."""
        in_order = self._left(options, caller) is not None  # so that the first documents are scored if time is short
        # of equal requests of one caller one runs; of another caller it would have the place in the queue
        key = work_digest(f"{model.lane.revision}\0{in_order}\0{caller.name}", work)
        job = self._in_flight.get(key)
        if job is None or not model.batcher.join(job, options.priority):
            job = Job(model.lane, work, QueuePlace(caller.name, options.priority, in_order))
            try:
                model.batcher.submit(job)
            except OverloadedError as error:
                raise overloaded(str(error), error.retry_after) from error
            self._in_flight[key] = job
            landed, loop = job, asyncio.get_running_loop()
            job.future.add_done_callback(lambda _: _soon(loop, self._forget, key, landed))
        try:
            await _finished(job, caller, self._left(options, caller))
            return job, self._outcome(model, job, work)
        finally:
            model.batcher.leave(job)

    def _outcome(self, model: LoadedModel, job: Job, work: Work) -> Partial:
        """Return what was scored of `work`. Raises RequestError if the job failed."""
        if not job.future.done():
            return model.batcher.reached(job, Job.partial)
        error = job.future.exception()
        if isinstance(error, OverloadedError):
            raise overloaded(str(error), error.retry_after)
        if isinstance(error, ModelError):
            _LOG.error("model failed", extra={"facts": {"model": job.lane.revision, "error": str(error)}})
            raise RequestError(503, "Backend", f"the model cannot be run; {_IN_THE_LOG}") from error
        if error is not None:
            raise error
        return Partial(list(range(len(work.pairs))), job.future.result())

    def _forget(self, key: bytes, job: Job) -> None:
        if self._in_flight.get(key) is job:
            del self._in_flight[key]


async def _finished(job: Job, caller: Caller, timeout: float | None) -> None:
    """Wait until `job` is over or the time is up. Raises RequestError if the caller hangs up first."""
    if job.future.done():
        return
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    job.future.add_done_callback(lambda _: _soon(loop, done.set))
    waits: list[asyncio.Future[object]] = [asyncio.ensure_future(done.wait())]
    if caller.left is not None:
        waits.append(asyncio.ensure_future(caller.left()))
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if len(waits) > 1 and waits[1].done() and not job.future.done():
            raise RequestError(499, "Cancelled", "the caller hung up")
    finally:
        for wait in waits:
            wait.cancel()


def _soon(loop: asyncio.AbstractEventLoop, work: Callable[..., object], *arguments: object) -> None:
    """Run `work` in the event loop, unless it is closed."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(work, *arguments)


def _ranking(call: RerankCall) -> Ranking:
    """Return the documents as the first stage ranked them. Raises RequestError if the scores do not fit them."""
    scores = call.first_stage
    if scores is not None and len(scores) != len(call.documents):
        raise invalid(f"{len(scores)} first_stage_scores for {len(call.documents)} documents; expected one each")
    candidates = [
        Candidate(document, None if scores is None else scores[place]) for place, document in enumerate(call.documents)
    ]
    return to_ranking(Query("1", call.query), candidates)


def _treatment(
    call: RerankCall, model: LoadedModel, job: Job, part: Partial, context: tuple[float, str | None]
) -> Treatment:
    """Return how `call` was treated; `context` is when it began, and the model that was too slow for the load."""
    started, degraded = context
    total = len(call.documents)
    missed = len(job.work.pairs) - len(part.reached)
    scores: PassageScores = part.scores
    truncated = int(np.asarray(scores.scores.truncated).sum())
    return Treatment(model.name, total - missed, total, degraded, truncated, effort_of(job, started), model.device)


def _first_stage(call: RerankCall, model: str, degraded: str | None, caller: Caller) -> RerankAnswer:
    """Return the documents in the order of the first stage: the ladder's last rung, or no model was there in time."""
    ranking = _ranking(call)
    result = Reranking.unchanged(ranking)
    order = from_reranking(result)
    shown = shown_scores(order, None, call.raw)
    results = [Result(one.position, score) for one, score in zip(order, shown, strict=True)][: call.top_n]
    treatment = Treatment(model, 0, len(call.documents), degraded, 0, Effort(time.monotonic() - caller.since))
    return RerankAnswer(results, treatment, explained(call, result, results))
