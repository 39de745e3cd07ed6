"""The flow of a wrapped search as a generator, driven by `sync_async.run` or `run_async`.

A search is sent with an enlarged window, its hits are reranked, and the requested page is returned. If reranking
would lose hits, fails or is late, the application gets the engine's own response to the search as it was made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resift.rerank.plugin.client_arguments import MultiSearchCall, SearchCall
from resift.rerank.plugin.request import PassThrough, Plan
from resift.rerank.plugin.response import Outcome, body_of, failed_shards, with_outcome
from resift.rerank.plugin.sync_async import Steps

_log = logging.getLogger(__name__)
_NOT_FOR_THE_WINDOW = (401, 403, 404, 408, 429)  # client errors that a smaller window would not avoid

Finish = Callable[[list[Any], list[Plan]], Steps]
"""Reranks the hits of response bodies by their plans, in place; returns one outcome per body."""


def search(call: SearchCall, plan: Plan | PassThrough, finish: Finish) -> Steps:
    """Send one search with the window of `plan`, or unchanged if that is not possible; return the response."""
    if call.problem:
        return with_outcome((yield call.unchanged()), Outcome("passed", call.problem))
    if isinstance(plan, PassThrough):
        return with_outcome((yield call.unchanged()), Outcome("passed", plan.reason))
    try:
        response = yield call.changed(plan.changes)
    except Exception as error:
        if not _may_be_the_window(getattr(error, "status_code", None)):
            raise
        return with_outcome((yield call.unchanged()), _window_refused(error))
    if missing := failed_shards(body_of(response)):
        own = yield call.unchanged()
        if failed_shards(body_of(own)) < missing:
            return with_outcome(own, _window_refused(f"{missing} shards failed"))
    try:
        [outcome] = yield from finish([body_of(response)], [plan])
    except Exception as error:
        return with_outcome((yield call.unchanged()), reranking_failed(error))
    if plan.combines_rankings and outcome.status != "reranked":
        response = yield call.unchanged()
    return with_outcome(response, outcome)


def msearch(call: MultiSearchCall, plans: Sequence[Plan | PassThrough], finish: Finish) -> Steps:
    """Send many searches, each with the window of its plan; repeat unchanged those for which that fails."""
    if call.problem:
        return _same_outcome((yield call.unchanged()), Outcome("passed", call.problem))
    passed = {
        place: Outcome("passed", plan.reason) for place, plan in enumerate(plans) if isinstance(plan, PassThrough)
    }
    if len(passed) == len(plans):
        return with_outcome((yield call.unchanged()), list(passed.values()))
    try:
        response = yield call.changed([plan.changes if isinstance(plan, Plan) else {} for plan in plans])
    except Exception as error:
        if not _may_be_the_window(getattr(error, "status_code", None)):
            raise
        return _same_outcome((yield call.unchanged()), _window_refused(error))
    pending = {place: plan for place, plan in enumerate(plans) if isinstance(plan, Plan)}
    many = _MultiSearch(call, body_of(response)["responses"], pending, passed)
    yield from many.repeat_failed()
    yield from many.rerank(finish)
    return with_outcome(response, [many.outcomes[place] for place in range(len(plans))])


@dataclass(slots=True)
class _MultiSearch:
    """The searches of one msearch under way, each known by its place: from `pending` each moves to `outcomes`.

    `answers`: the engine's, in order. `pending`: the plans of the searches that are still to be reranked.
    """

    call: MultiSearchCall
    answers: list[Any]
    pending: dict[int, Plan]
    outcomes: dict[int, Outcome]

    def repeat_failed(self) -> Steps:
        """Repeat unchanged the searches whose window cost shards or was refused; note the engine's errors."""
        places = [place for place in self.pending if _incomplete(self.answers[place])]
        for place, own in zip(places, (yield from self._own_answers(places)), strict=True):
            answer = self.answers[place]
            if "error" in answer or failed_shards(own) < failed_shards(answer):
                self._settle(place, _window_refused(answer.get("error", "shards failed")))
                self.answers[place] = own
        for place, answer in enumerate(self.answers):
            if "hits" not in answer:
                self._settle(place, Outcome("passed", "the engine answered with an error"))

    def rerank(self, finish: Finish) -> Steps:
        """Rerank the pending searches; if that fails and the window changed the engine's order, fetch its own."""
        pending = dict(self.pending)
        stale: list[int] = []
        try:
            finished = yield from finish([self.answers[place] for place in pending], list(pending.values()))
        except Exception as error:
            finished, stale = [reranking_failed(error)] * len(pending), list(pending)
        for (place, plan), outcome in zip(pending.items(), finished, strict=True):
            self._settle(place, outcome)
            if plan.combines_rankings and outcome.status != "reranked" and place not in stale:
                stale.append(place)
        for place, own in zip(stale, (yield from self._own_answers(stale)), strict=True):
            self.answers[place] = own

    def _settle(self, place: int, outcome: Outcome) -> None:
        self.pending.pop(place, None)
        self.outcomes[place] = outcome

    def _own_answers(self, places: Sequence[int]) -> Steps:
        if not places:
            return []
        return body_of((yield self.call.only(places).unchanged()))["responses"]


def _same_outcome(response: Any, outcome: Outcome) -> Any:  # noqa: ANN401
    """Return a response of many searches, all with the same outcome."""
    return with_outcome(response, [outcome] * len(body_of(response).get("responses", ())))


def reranking_failed(error: Exception) -> Outcome:
    """Log that reranking failed, and return it as an outcome."""
    _log.warning("reranking failed, the engine's order is returned: %s", error)
    return Outcome("failed", f"{type(error).__name__}: {error}")


def _window_refused(reason: object) -> Outcome:
    """Log that the engine refused the window, and return it as an outcome."""
    _log.warning("the engine refused the window, so the search was sent unchanged: %s", reason)
    return Outcome("failed", f"the engine refused the request for the window: {reason}")


def _may_be_the_window(status: object) -> bool:
    """Return whether an engine's error of this HTTP status may be caused by the changed request."""
    return isinstance(status, int) and 400 <= status < 500 and status not in _NOT_FOR_THE_WINDOW


def _incomplete(answer: Mapping[str, Any]) -> bool:
    """Return whether the unmodified search might return more than this answer."""
    return _may_be_the_window(answer.get("status")) if "error" in answer else failed_shards(answer) > 0
