"""Score the hits of searches by the models of the service's core: batched, within a deadline, within a bound."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from resift.rerank.explained_passage import ExplainedPassage
from resift.rerank.occlusion import WordEffects
from resift.rerank.proxy.breaker import Breaker
from resift.rerank.reranker import Known, Reranker, Reranking, Window
from resift.rerank.service.call import RequestOptions
from resift.rerank.service.explaining import NO_TIME, words_of
from resift.rerank.service.loaded_models import LoadedModel
from resift.rerank.service.request_error import RequestError
from resift.rerank.service.reranking import IN_A_THREAD, Caller, RerankService
from resift.rerank.service.work import make_work
from resift.rerank.settings import RerankSettings
from resift.retrieval.types import Ranking

LOADING = "the model is being loaded"
LEFT_OUT = "the model failed repeatedly, and is left out for a while"
WAITING = "too many searches wait for the model"
_FAIR = 0.5  # of the deadline: a model that is not done within this share of it has failed
_FULL = 0.25  # seconds for which the queue counts as full after it took no more
_LEAST_MS = 5  # less time than this is not worth a request to the model


class NotScoredError(Exception):
    """Nothing was scored, for this reason; `kind` is "late" or "failed"."""

    def __init__(self, kind: str, reason: str) -> None:
        """Keep both."""
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Scored:
    """One reranked query: `reached` of the `wanted` hits with text were scored in time."""

    result: Reranking
    reached: int
    wanted: int


class WindowScorer:
    """Reranks rankings by one model; used by the event loop."""

    def __init__(self, service: RerankService, breaker: Breaker) -> None:
        """Score by the default model of `service`, unless `breaker` is open."""
        self._service, self.breaker = service, breaker
        self._rerankers: dict[tuple[str, RerankSettings], Reranker] = {}
        self._full_until = 0.0
        self.ready = False
        """Whether the model is loaded."""
        self.missing = LOADING
        """Why it is not."""

    def unavailable(self) -> str:
        """Return why a search would wait for the model in vain now; "" if it may be used."""
        if not self.ready:
            return self.missing
        if self.breaker.state == "open":
            return LEFT_OUT
        model = next(iter(self._service.models.loaded), None)
        full = model is not None and model.batcher.waiting()[1] > model.batcher.max_seconds
        if full or time.monotonic() < self._full_until:
            return WAITING
        return ""

    async def rerank(
        self, read: Sequence[tuple[Ranking, Known]], settings: Sequence[RerankSettings], caller: str, seconds: float
    ) -> list[Scored]:
        """Return each ranking reranked by its `settings` within `seconds`; of some only the first hits may be scored.

        Raises NotScoredError if nothing was scored: the time was up, the queue is full, or the model failed.
        """
        self._begin(seconds)
        options = RequestOptions(timeout_ms=max(1, int(seconds * 1000)))
        failed = None
        try:
            scored = await self._rerank(read, settings, options, Caller(caller))
            wanted, reached = sum(one.wanted for one in scored), sum(one.reached for one in scored)
            if wanted and not reached:
                raise TimeoutError
            failed = False if wanted else None
        except RequestError as error:
            failed = True if error.status != 429 else None
            if error.status == 429:  # those that come at once would ask the engine for a window for nothing
                self._full_until = time.monotonic() + _FULL
            raise _not_scored(error) from None
        except TimeoutError:
            # a model that the engine left hardly any time for did not fail
            failed = True if seconds > _FAIR * self._service.batcher.max_seconds else None
            raise NotScoredError("late", "the model was not done in time") from None
        except Exception:
            failed = True
            raise
        finally:
            self.breaker.note(failed)
        return scored

    async def words(self, query: str, passage: ExplainedPassage, caller: str, seconds: float) -> WordEffects:
        """Return the words that mattered for the score of `query` and `passage`, found within `seconds`.

        If there is no time or no room for it, they say why they are missing.
        """
        reason = self.unavailable() or (NO_TIME if seconds * 1000 < _LEAST_MS else "")
        if reason:
            return WordEffects(missing=reason)
        service, options, asking = self._service, RequestOptions(timeout_ms=int(seconds * 1000)), Caller(caller)
        try:
            model = await service.acquire(service.models.default, options, asking)
        except (TimeoutError, RequestError):
            return WordEffects(missing=NO_TIME)
        try:
            return await words_of(query, passage, model, lambda work: service.run(model, work, options, asking))
        finally:
            service.models.release(model)

    def _begin(self, seconds: float) -> None:
        """Raise NotScoredError if the model is not to be asked; else its outcome must be noted."""
        if seconds * 1000 < _LEAST_MS:
            raise NotScoredError("late", "the engine's search took all the time")
        if not self.ready:
            raise NotScoredError("late", self.missing)
        if not self.breaker.allows():
            raise NotScoredError("failed", LEFT_OUT)

    async def _rerank(
        self,
        read: Sequence[tuple[Ranking, Known]],
        settings: Sequence[RerankSettings],
        options: RequestOptions,
        caller: Caller,
    ) -> list[Scored]:
        service = self._service
        model = await service.acquire(service.models.default, options, caller)
        try:
            rerankers = [self._reranker(model, one) for one in settings]
            size = sum(len(hit.document.text) for ranking, _ in read for hit in ranking.hits)
            if size > IN_A_THREAD:  # others are served meanwhile
                windows = await asyncio.to_thread(_windows, rerankers, read)
            else:
                windows = _windows(rerankers, read)
            jobs = [
                self._score(model, reranker, window, options, caller)
                for reranker, window in zip(rerankers, windows, strict=True)
            ]
            return list(await asyncio.gather(*jobs))
        finally:
            service.models.release(model)

    async def _score(
        self, model: LoadedModel, reranker: Reranker, window: Window, options: RequestOptions, caller: Caller
    ) -> Scored:
        wanted = len(window.scored)
        if not wanted:
            return Scored(_unscored(reranker, window), 0, 0)
        work = make_work(model, window.pairs, reranker.settings.passages, None, reranker.settings.stride)
        _, part = await self._service.run(model, work, options, caller)
        if not part.reached:
            return Scored(Reranking.unchanged(window.ranking), 0, wanted)
        reached = window if len(part.reached) == wanted else window.only(part.reached)
        return Scored(reranker.reorder(reached, part.scores), len(part.reached), wanted)

    def _reranker(self, model: LoadedModel, settings: RerankSettings) -> Reranker:
        key = (model.revision, settings)
        if key not in self._rerankers:
            if len(self._rerankers) > 1000:
                self._rerankers.clear()
            self._rerankers[key] = Reranker(model.fused.scorer, settings)
        return self._rerankers[key]


def _not_scored(error: RequestError) -> NotScoredError:
    if error.status == 429:
        return NotScoredError("late", WAITING)
    return NotScoredError("failed", "the model cannot be run")


def _windows(rerankers: Sequence[Reranker], read: Sequence[tuple[Ranking, Known]]) -> list[Window]:
    return [one.window(ranking, known) for one, (ranking, known) in zip(rerankers, read, strict=True)]


def _unscored(reranker: Reranker, window: Window) -> Reranking:
    """Return the result of a window without hits to score: its counts say why."""
    return Reranking(
        window.ranking,
        window.ranking,
        {},
        unread=len(window.unread),
        promoted=len(window.promoted),
        template=reranker.template,
        fusion=reranker.fusion,
    )
