"""The flow of a wrapped search as a generator, driven by `sync_async.run` or `run_async`.

A search is sent with an enlarged window, its hits are reranked, and the requested page is returned. If reranking
would lose hits, fails or is late, the application gets the engine's own response to the search as it was made.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from resift.rerank.plugin.client_arguments import SearchCall
from resift.rerank.plugin.request import PassThrough, Plan
from resift.rerank.plugin.response import Outcome, body_of, missing_parts, with_hits, with_outcome
from resift.rerank.plugin.sync_async import Steps

_log = logging.getLogger(__name__)
_NOT_FOR_THE_WINDOW = (401, 403, 404, 408, 429)  # client errors that a smaller window would not avoid


class Work(Protocol):
    """What the flow asks of the reranking side, for the options of one call."""

    def plan(self, request: Mapping[str, Any]) -> Plan | PassThrough:
        """Return how a search is reranked, or why not."""

    def with_text(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> Plan | None:
        """Return the plan that also reads the text where the hits of `body` lack it, None if they have it."""

    def note_text(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """Remember whether the hits of `body`, sent for `plan`, have their text."""

    def rerank(self, bodies: list[Any], plans: list[Plan]) -> Steps:
        """Rerank the hits of response bodies by their plans, in place; the result is one outcome per body."""


def search(call: SearchCall, work: Work) -> Steps:
    """Send one search with the window of its plan, or unchanged if that is not possible; return the response."""
    plan = PassThrough(call.problem) if call.problem else work.plan(call.request)
    if isinstance(plan, PassThrough):
        return with_outcome((yield call.unchanged()), Outcome("passed", plan.reason))
    try:
        response = yield call.changed(plan.changes)
    except Exception as error:
        if not may_be_the_window(getattr(error, "status_code", None)):
            raise
        return with_outcome((yield call.unchanged()), window_refused(error, plan))
    if missing := missing_parts(body_of(response)):
        own = yield call.unchanged()
        if missing_parts(body_of(own)) < missing:
            return with_outcome(own, window_refused(lost(body_of(response)), plan))
    try:
        response, plan = yield from _with_text(call, work, plan, response)
        [outcome] = yield from work.rerank([body_of(response)], [plan])
    except Exception as error:
        return with_outcome((yield call.unchanged()), replace(reranking_failed(error), query_text=plan.text))
    if outcome.status == "reranked" and plan.changes_more:
        own = yield call.unchanged()
        with_hits(body_of(own), body_of(response))
        response = own
    elif outcome.status != "reranked" and plan.changes_own_hits:
        response = yield call.unchanged()
    return with_outcome(response, outcome)


def _with_text(call: SearchCall, work: Work, plan: Plan, response: Any) -> Steps:  # noqa: ANN401
    """Send the search again if its hits lack their text and may have it elsewhere; return the response and its plan."""
    other = work.with_text(plan, call.request, body_of(response))
    if other is None:
        return response, plan
    try:
        again = yield call.changed(other.changes)
    except Exception as error:
        text_unavailable(error)
        return response, plan
    work.note_text(other, call.request, body_of(again))
    return again, other


def text_unavailable(error: Exception) -> None:
    """Log that the engine refused a request for the text that the hits' source lacks."""
    _log.warning("the engine refused to return the text that the hits' source lacks: %s", error)


def reranking_failed(error: Exception) -> Outcome:
    """Log that reranking failed, and return it as an outcome."""
    _log.warning("reranking failed, the engine's order is returned: %s", error)
    return Outcome("failed", f"{type(error).__name__}: {error}")


def window_refused(reason: object, plan: Plan) -> Outcome:
    """Log that the engine refused the window, and return it as an outcome."""
    _log.warning("the engine refused the window, so the search was sent unchanged: %s", reason)
    return Outcome("failed", f"the engine refused the request for the window: {reason}", query_text=plan.text)


def lost(body: Mapping[str, Any]) -> str:
    """Return what a response with missing parts lost."""
    failed = body.get("_shards", {}).get("failed", 0)
    return f"{failed} shards failed" if failed else "the search timed out"


def may_be_the_window(status: object) -> bool:
    """Return whether an engine's error of this HTTP status may be caused by the changed request."""
    return isinstance(status, int) and 400 <= status < 500 and status not in _NOT_FOR_THE_WINDOW
