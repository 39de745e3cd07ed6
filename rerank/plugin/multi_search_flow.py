"""The flow of many wrapped searches in one request, like `search_flow` for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resift.rerank.plugin.client_arguments import MultiSearchCall
from resift.rerank.plugin.request import PassThrough, Plan
from resift.rerank.plugin.response import Outcome, body_of, missing_parts, with_hits, with_outcome
from resift.rerank.plugin.search_flow import (
    Work,
    lost,
    may_be_the_window,
    reranking_failed,
    text_unavailable,
    window_refused,
)
from resift.rerank.plugin.sync_async import Steps


def msearch(call: MultiSearchCall, work: Work) -> Steps:
    """Send many searches, each with the window of its plan; repeat unchanged those for which that fails."""
    if call.problem:
        response = yield call.unchanged()
        outcomes = [Outcome("passed", call.problem)] * len(body_of(response).get("responses", ()))
        return with_outcome(response, outcomes)
    plans = [work.plan(request) for request in call.requests]
    passed = {
        place: Outcome("passed", plan.reason) for place, plan in enumerate(plans) if isinstance(plan, PassThrough)
    }
    if len(passed) == len(plans):
        return with_outcome((yield call.unchanged()), list(passed.values()))
    pending = {place: plan for place, plan in enumerate(plans) if isinstance(plan, Plan)}
    try:
        response = yield call.changed([plan.changes if isinstance(plan, Plan) else {} for plan in plans])
    except Exception as error:
        if not may_be_the_window(getattr(error, "status_code", None)):
            raise
        refused = {place: window_refused(error, plan) for place, plan in pending.items()} | passed
        return with_outcome((yield call.unchanged()), [refused[place] for place in range(len(plans))])
    many = _MultiSearch(call, work, body_of(response)["responses"], pending, passed)
    yield from many.repeat_failed()
    yield from many.read_elsewhere()
    yield from many.rerank()
    return with_outcome(response, [many.outcomes[place] for place in range(len(plans))])


@dataclass(slots=True)
class _MultiSearch:
    """The searches of one msearch under way, each known by its place: from `pending` each moves to `outcomes`.

    `answers`: the engine's, in order. `pending`: the plans of the searches that are still to be reranked.
    """

    call: MultiSearchCall
    work: Work
    answers: list[Any]
    pending: dict[int, Plan]
    outcomes: dict[int, Outcome]

    def repeat_failed(self) -> Steps:
        """Repeat unchanged the searches whose window cost shards or was refused; note the engine's errors."""
        places = [place for place in self.pending if _incomplete(self.answers[place])]
        for place, own in zip(places, (yield from self._own_answers(places)), strict=True):
            answer = self.answers[place]
            if "error" in answer or missing_parts(own) < missing_parts(answer):
                reason = answer["error"] if "error" in answer else lost(answer)
                self._settle(place, window_refused(reason, self.pending[place]))
                self.answers[place] = own
        for place, answer in enumerate(self.answers):
            if "hits" not in answer:
                self._settle(place, Outcome("passed", "the engine answered with an error"))

    def read_elsewhere(self) -> Steps:
        """Send again the searches whose hits lack their text and may have it elsewhere."""
        requests = self.call.requests
        others: dict[int, Plan] = {}
        for place, plan in self.pending.items():
            other = self._elsewhere(plan, requests[place], self.answers[place])
            if other is not None:
                others[place] = other
        if not others:
            return
        try:
            response = yield self.call.only(list(others)).changed([plan.changes for plan in others.values()])
        except Exception as error:
            text_unavailable(error)
            return
        for (place, plan), answer in zip(others.items(), body_of(response)["responses"], strict=True):
            if "hits" in answer:
                self.answers[place], self.pending[place] = answer, plan
                self.work.note_text(plan, requests[place], answer)

    def _elsewhere(self, plan: Plan, request: Mapping[str, Any], answer: Mapping[str, Any]) -> Plan | None:
        try:
            return self.work.with_text(plan, request, answer)
        except Exception:  # a response of another shape, which reranking reports
            return None

    def rerank(self) -> Steps:
        """Rerank the pending searches; fetch the engine's own response for those of which the window changed more."""
        pending = dict(self.pending)
        stale: list[int] = []
        try:
            finished = yield from self.work.rerank([self.answers[place] for place in pending], list(pending.values()))
        except Exception as error:
            failed = reranking_failed(error)
            finished, stale = [replace(failed, query_text=plan.text) for plan in pending.values()], list(pending)
        for (place, plan), outcome in zip(pending.items(), finished, strict=True):
            self._settle(place, outcome)
            follows = plan.changes_more if outcome.status == "reranked" else plan.changes_own_hits
            if follows and place not in stale:
                stale.append(place)
        for place, own in zip(stale, (yield from self._own_answers(stale)), strict=True):
            if self.outcomes[place].status == "reranked":
                with_hits(own, self.answers[place])
            self.answers[place] = own

    def _settle(self, place: int, outcome: Outcome) -> None:
        self.pending.pop(place, None)
        self.outcomes[place] = outcome

    def _own_answers(self, places: Sequence[int]) -> Steps:
        if not places:
            return []
        return body_of((yield self.call.only(places).unchanged()))["responses"]


def _incomplete(answer: Mapping[str, Any]) -> bool:
    """Return whether the unmodified search might return more than this answer."""
    return may_be_the_window(answer.get("status")) if "error" in answer else missing_parts(answer) > 0
