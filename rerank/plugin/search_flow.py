"""What is said to the engine for one wrapped search or many, and what is made of its answers.

Wherever the reranking would cost hits, fail, or come too late, the engine's own answer to the request as it came is
what the application gets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from resift.rerank.plugin.client_arguments import body_of, call, changed, refused, searches_of
from resift.rerank.plugin.request import Plan
from resift.rerank.plugin.response import Outcome, failed_shards, marked
from resift.rerank.plugin.sync_async import Steps
from resift.retrieval.errors import SettingsError

_log = logging.getLogger(__name__)
Finish = Callable[[list[Any], list[Plan]], Steps]
"""Reranks the hits of bodies by their plans, in place; returns what became of each."""


def search(client: Any, arguments: Mapping[str, Any], one: Plan, finish: Finish) -> Steps:  # noqa: ANN401
    """Search with the window of the plan `one`, or as asked where that cannot be; return the response."""
    plain = call(client.search, arguments)
    if one.reason:
        return marked((yield plain), Outcome("passed", one.reason))
    try:
        response = yield call(client.search, changed(client, arguments, one.changes))
    except Exception as error:
        if not refused(getattr(error, "status_code", None)):
            raise
        return marked((yield plain), too_much(error))
    if missing := failed_shards(body_of(response)):
        own = yield plain
        if failed_shards(body_of(own)) < missing:
            return marked(own, too_much(f"{missing} shards failed"))
    try:
        [outcome] = yield from finish([body_of(response)], [one])
    except Exception as error:
        return marked((yield plain), broken(error))
    if one.joins and outcome.status != "reranked":
        response = yield plain
    return marked(response, outcome)


def msearch(
    client: Any,  # noqa: ANN401
    arguments: Mapping[str, Any],
    plan: Callable[[Mapping[str, Any]], Plan],
    finish: Finish,
) -> Steps:
    """Search many times, each with its window; what cannot be is asked again as it came. Return the response."""
    plain = call(client.msearch, arguments)
    try:
        many = _Searches(client, arguments, plan)
    except SettingsError as error:
        return _all_alike((yield plain), Outcome("passed", str(error)))
    if all(one.reason for one in many.plans):
        return marked((yield plain), many.outcomes)
    try:
        response = yield many.ask(range(len(many.asked)), with_windows=True)
    except Exception as error:
        if not refused(getattr(error, "status_code", None)):
            raise
        return _all_alike((yield plain), too_much(error))
    many.answers = body_of(response)["responses"]
    yield from many.mend()
    yield from many.finish(finish)
    return marked(response, many.outcomes)


class _Searches:
    """The searches of one msearch: their plans, the engine's answers, and what became of each (`outcomes`)."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401
        arguments: Mapping[str, Any],
        plan: Callable[[Mapping[str, Any]], Plan],
    ) -> None:
        """Read the searches out of a call's arguments. Raises SettingsError."""
        self._client = client
        self._arguments = arguments
        self._name, lines = searches_of(arguments)
        self._headers, self.asked = lines[::2], lines[1::2]
        params = arguments.get("params")
        in_address = params.get("filter_path") if isinstance(params, Mapping) else None
        trimmed = {"filter_path": arguments.get("filter_path") or in_address}
        self.plans = [plan({**body, **trimmed}) for body in self.asked]
        self.outcomes = [Outcome("passed", one.reason) for one in self.plans]
        self.answers: list[Any] = []

    def ask(self, places: Sequence[int], with_windows: bool = False) -> Callable[[], Any]:
        """Return the call of the searches at `places`, as they came or with their windows."""
        changes = [self.plans[place].changes if with_windows else {} for place in places]
        pairs = [(self._headers[p], {**self.asked[p], **more}) for p, more in zip(places, changes, strict=True)]
        lines = [line for pair in pairs for line in pair]
        return call(self._client.msearch, {**self._arguments, self._name: lines})

    def mend(self) -> Steps:
        """Ask again, as they came, for what the windows cost answers or shards, and tell the engine's errors."""
        again = [place for place, one in enumerate(self.plans) if not one.reason and _lacks(self.answers[place])]
        for place, own in zip(again, (yield from self._own_answers(again)), strict=True):
            answer = self.answers[place]
            if "error" in answer or failed_shards(own) < failed_shards(answer):
                self.outcomes[place] = too_much(answer.get("error", "shards failed"))
                self.answers[place] = own
        for place, answer in enumerate(self.answers):
            if "hits" not in answer:
                self.outcomes[place] = Outcome("passed", "the engine answered with an error")

    def finish(self, finish: Finish) -> Steps:
        """Rerank what is left; where that fails and the windows changed the engine's order, ask for its own."""
        todo = [place for place, outcome in enumerate(self.outcomes) if not outcome.reason]
        stale: list[int] = []
        try:
            finished = yield from finish([self.answers[place] for place in todo], [self.plans[p] for p in todo])
        except Exception as error:
            finished, stale = [broken(error)] * len(todo), todo
        for place, outcome in zip(todo, finished, strict=True):
            self.outcomes[place] = outcome
            if self.plans[place].joins and outcome.status != "reranked" and place not in stale:
                stale.append(place)
        for place, own in zip(stale, (yield from self._own_answers(stale)), strict=True):
            self.answers[place] = own

    def _own_answers(self, places: Sequence[int]) -> Steps:
        return body_of((yield self.ask(places)))["responses"] if places else []


def _lacks(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer lacks what the search as it came might have."""
    return refused(answer.get("status")) if "error" in answer else failed_shards(answer) > 0


def _all_alike(response: Any, outcome: Outcome) -> Any:  # noqa: ANN401
    """Return a response of many searches, what became of each being the same."""
    return marked(response, [outcome] * len(body_of(response).get("responses", ())))


def too_much(reason: object) -> Outcome:
    """Return that the engine did not give the window."""
    _log.warning("the engine refused the window, so the search was sent as it came: %s", reason)
    return Outcome("failed", f"the engine refused the request for the window: {reason}")


def broken(error: Exception) -> Outcome:
    """Return that reranking failed."""
    _log.warning("reranking failed, the engine's order is returned: %s", error)
    return Outcome("failed", f"{type(error).__name__}: {error}")
