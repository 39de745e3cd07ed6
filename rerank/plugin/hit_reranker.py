"""Rerank the hits of responses: the models, their queue, and the deadline."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from resift.rerank.plugin.hit_texts import HitTexts
from resift.rerank.plugin.options import SearchOptions
from resift.rerank.plugin.request import PassThrough, Plan
from resift.rerank.plugin.response import (
    Outcome,
    ScoreKind,
    keep_page,
    reorder,
)
from resift.rerank.plugin.search_flow import reranking_failed
from resift.rerank.plugin.sync_async import Steps, Wait
from resift.rerank.reranker import Reranker, Reranking
from resift.rerank.scorer import Scorer
from resift.rerank.scorers.load import load_scorer
from resift.rerank.work_queue import QueueFullError, WorkQueue

_CAPACITY = 32  # searches in the model's queue, the running one included; further ones get the engine's order


class HitReranker:
    """Reranks the hits of searches on one worker thread; safe to share between threads."""

    def __init__(self, reranker: Reranker, fields: Sequence[str], scores: ScoreKind) -> None:
        """Rerank by `reranker`, which reads `fields` of each hit; `scores` says what `_score` is afterwards."""
        self._scores, self._fields = scores, tuple(fields)
        self._own = reranker
        self._others: dict[str, Scorer] = {}  # other models that searches have named
        self._queue = WorkQueue(_CAPACITY)
        self.texts = HitTexts(fields, reranker.template, reranker.settings.rank_window_size)

    def defined(self, fields: Sequence[str], settings: Mapping[str, Any]) -> HitReranker:
        """Return one with other `settings`, by their names in `RerankSettings`, and other `fields` if there are any.

        Both share the models and their queue. Raises SettingsError if the settings cannot be used.
        """
        other = copy.copy(self)
        other._fields, other._own = tuple(fields) or self._fields, self._own.with_settings(**settings)
        other.texts = HitTexts(other._fields, other._own.template, other._own.settings.rank_window_size)
        return other

    def rerank(self, options: SearchOptions, bodies: list[Any], plans: list[Plan]) -> Steps:
        """Rerank the hits of `bodies` in place before the deadline, or keep the engine's order.

        Returns one outcome per body.
        """
        if not bodies:
            return []
        try:
            future = self._queue.submit(partial(self._rerank, bodies, plans, options))
        except QueueFullError:
            full = Outcome("late", f"{self._queue.capacity} searches wait for the model already")
            return _keep_order(bodies, plans, full)
        try:
            results: list[Reranking] = yield Wait(future, options.seconds)
        except Exception as error:  # an error of reranking must not fail the search
            if isinstance(error, TimeoutError) and not _raised(future, TimeoutError):
                late = Outcome("late", f"the model was not done within {options.deadline_ms} ms")
                return _keep_order(bodies, plans, late)
            return _keep_order(bodies, plans, reranking_failed(error))
        explain = options.explain_hits
        return [reorder(*each, self._scores, explain) for each in zip(bodies, plans, results, strict=True)]

    def _rerank(
        self, bodies: Sequence[dict[str, Any]], plans: Sequence[Plan], options: SearchOptions
    ) -> list[Reranking]:
        """Return one reranking per body; called by the worker."""
        read = self.texts.read(bodies, plans)
        return self._reranker(options).rerank([ranking for ranking, _ in read], [known for _, known in read])

    def _reranker(self, options: SearchOptions) -> Reranker:
        """Return the reranker for `options`; its model is loaded on first use, and only by the worker thread."""
        model, reranker = options.model, self._own
        if model is not None:
            if model not in self._others:
                self._others[model] = load_scorer(model)
            reranker = Reranker(self._others[model], self._own.settings)
        changes = options.changes()
        return reranker.with_settings(**changes) if changes else reranker


@dataclass(frozen=True, slots=True)
class SearchWork:
    """What the flow of a search asks of a `HitReranker`, with the search's options."""

    hits: HitReranker
    options: SearchOptions

    def plan(self, request: Mapping[str, Any]) -> Plan | PassThrough:
        """Return how a search is reranked, or why not."""
        return self.hits.texts.plan(request, self.options)

    def with_text(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> Plan | None:
        """Return the plan that also reads the text where the hits of `body` lack it, None if they have it."""
        return self.hits.texts.places.elsewhere(plan, request, body)

    def note_text(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """Remember whether the hits of `body`, sent for `plan`, have their text."""
        self.hits.texts.places.remember(plan, request, body)

    def rerank(self, bodies: list[Any], plans: list[Plan]) -> Steps:
        """Rerank the hits of `bodies` in place, or keep the engine's order; returns one outcome per body."""
        return self.hits.rerank(self.options, bodies, plans)


def _raised(future: Future[Any], kind: type[Exception]) -> bool:
    """Return whether the work of `future` itself ended with an error of this kind."""
    return future.done() and not future.cancelled() and isinstance(future.exception(), kind)


def _keep_order(bodies: list[Any], plans: list[Plan], outcome: Outcome) -> list[Outcome]:
    """Keep the requested page of each body in the engine's order; return the same outcome for each."""
    for body, one in zip(bodies, plans, strict=True):
        keep_page(body, one)
    return [replace(outcome, query_text=one.text) for one in plans]
