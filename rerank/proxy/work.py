"""What the flow of a search asks of the proxy: plan it by its index's rule, and put its hits in their order."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from resift.rerank.candidates import from_reranking
from resift.rerank.experiments.log import client_id_of
from resift.rerank.experiments.team_draft import ShownHit, draft_key, team_draft
from resift.rerank.plugin.hit_texts import HitTexts
from resift.rerank.plugin.options import SearchOptions
from resift.rerank.plugin.request import NO_TEXT, PassThrough, Plan
from resift.rerank.plugin.response import (
    NOT_IN_THE_WINDOW,
    Outcome,
    keep_page,
    outcome_of,
    place_after,
    put_in_order,
)
from resift.rerank.plugin.sync_async import Steps
from resift.rerank.proxy.pages import Pages, Remembered, hit_keys, places, ranking_key
from resift.rerank.proxy.rules import Rule
from resift.rerank.proxy.scoring import NotScoredError, Scored, WindowScorer
from resift.rerank.reranker import Known
from resift.retrieval.types import Ranking

_OPTIONS = SearchOptions()
_PASSED = "passed through: "
_NO_TEXT = "no query text was found"


@dataclass(frozen=True, slots=True)
class Treated:
    """How one search was treated, for the headers, the log and the metrics.

    `label`: "reranked", "partial 64/100" or "passed through: …". `first_stage`, `reranked`: the ids of both orders of
    the window; the latter is empty without one. `shown`: the hits of the page, with their teams if both orders were
    mixed. `first`: the position of the first of them, from 1. `milliseconds`: how long reranking took. `scored`: the
    result of the model, None if there is none. `order`: the places of the hits after reranking, from 0. `rule`: the
    name of its rule. `unread`: the engine's response was not read, so that its hits are not known.
    """

    label: str
    outcome: Outcome
    plan: Plan | None = None
    first_stage: tuple[str, ...] = ()
    reranked: tuple[str, ...] = ()
    shown: tuple[ShownHit, ...] = ()
    first: int = 1
    milliseconds: float = 0.0
    scored: Scored | None = None
    order: tuple[int, ...] = ()
    draft: str | None = None
    remembered: bool = False
    rule: str = ""
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """What belongs to the plan of a search: its rule, the key of its ranking, and who reads the hits, "" if unknown."""

    rule: Rule
    texts: HitTexts
    key: bytes
    reader: str = ""


@dataclass(slots=True)
class SearchWork:
    """The searches of one request of a caller.

    `rule_of`: a request -> its rule and its texts, or why it passes through. `caller`: a digest of who it is.
    `deadline`: when the time is up, by `time.monotonic`. `interleave`: mix both orders. `treated`: how each search was
    treated, in the order of the responses that were reranked.
    """

    rule_of: Callable[[Mapping[str, Any]], tuple[Rule, HitTexts] | PassThrough]
    scorer: WindowScorer
    pages: Pages
    caller: bytes
    deadline: float
    interleave: bool = False
    treated: dict[int, Treated] = field(default_factory=dict)  # id of an outcome -> how
    _planned: dict[int, Planned] = field(default_factory=dict)  # id of a plan -> its rule
    _plans: list[Plan] = field(default_factory=list)  # so that their ids stay theirs

    def plan(self, request: Mapping[str, Any]) -> Plan | PassThrough:
        """Return how a search is reranked, or why not."""
        found = self.rule_of(request)
        if isinstance(found, PassThrough):
            return found
        rule, texts = found
        made = texts.plan(request, _OPTIONS)
        if isinstance(made, Plan):
            key = ranking_key(self.caller, rule.name, request)
            self._note(made, Planned(rule, texts, key, client_id_of(request) or ""))
        return PassThrough(_NO_TEXT) if made == PassThrough(NO_TEXT) else made

    def settled(self, plans: Sequence[Plan], busy: bool = False) -> str | None:
        """Return why the engine's own response is the answer, before the engine is asked; None if it is not.

        Either the pages before were in the engine's order, or the model cannot be used now, or is too `busy`.
        """
        known = [self._known(plan) for plan in plans]
        if plans and all(one is not None and not one.reranked for one in known):
            return next((one.label for one in known if one is not None), "").removeprefix(_PASSED)
        if any(one is not None and one.reranked for one in known):
            return None
        return "too many searches are reranked already" if busy else self.scorer.unavailable() or None

    def keep_own(self, plans: Sequence[Plan], label: str) -> None:
        """Remember that the first pages of `plans` are in the engine's order, so that later ones are too."""
        for plan in plans:
            if plan.after is None and not plan.start:
                self.pages.store(self._planned[id(plan)].key, Remembered((), label, False))

    def _known(self, plan: Plan) -> Remembered | None:
        """Return the ranking that a later page continues; a first page is always ranked anew."""
        later = plan.start > 0 or plan.after is not None
        return self.pages.find(self._planned[id(plan)].key) if later else None

    def with_text(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> Plan | None:
        """Return the plan that also reads the text where the hits of `body` lack it, None if they have it."""
        planned = self._planned[id(plan)]
        other = planned.texts.places.elsewhere(plan, request, body)
        if other is not None:
            self._note(other, planned)
        return other

    def note_text(self, plan: Plan, request: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """Remember whether the hits of `body`, sent for `plan`, have their text."""
        self._planned[id(plan)].texts.places.remember(plan, request, body)

    def rerank(self, bodies: list[Any], plans: list[Plan]) -> Steps:
        """Rerank the hits of `bodies` in place, or keep the engine's order; returns one outcome per body."""
        outcomes = yield lambda: self._rerank(bodies, plans)
        return outcomes

    def _note(self, plan: Plan, planned: Planned) -> None:
        self._planned[id(plan)] = planned
        self._plans.append(plan)

    async def _rerank(self, bodies: list[Any], plans: list[Plan]) -> list[Outcome]:
        started = time.monotonic()
        found: dict[int, Treated] = {}
        for place, (body, plan) in enumerate(zip(bodies, plans, strict=True)):
            known = self._known(plan)
            if known is not None:
                found[place] = _as_before(body, plan, known)
        rest = [place for place in range(len(bodies)) if place not in found]
        if rest:
            found |= dict(
                zip(rest, await self._score([bodies[p] for p in rest], [plans[p] for p in rest]), strict=True)
            )
        took = 1000 * (time.monotonic() - started)
        outcomes = []
        for place in range(len(bodies)):
            rule = self._planned[id(plans[place])].rule.name
            treated = replace(found[place], milliseconds=took, rule=rule)
            outcomes.append(treated.outcome)
            self.treated[id(treated.outcome)] = treated
        return outcomes

    async def _score(self, bodies: Sequence[Any], plans: Sequence[Plan]) -> list[Treated]:
        planned = [self._planned[id(plan)] for plan in plans]
        read: list[tuple[Ranking, Known]] = []
        for body, plan, one in zip(bodies, plans, planned, strict=True):
            read += one.texts.read([body], [plan])
        settings = [one.rule.settings for one in planned]
        left = self.deadline - time.monotonic()
        try:
            scored = await self.scorer.rerank(read, settings, self.caller.hex(), left)
        except NotScoredError as error:
            status = "late" if error.kind == "late" else "failed"
            outcome = Outcome(status, str(error))  # type: ignore[arg-type]
            return [
                self._kept(body, plan, replace(outcome, query_text=plan.text))
                for body, plan in zip(bodies, plans, strict=True)
            ]
        return [self._placed(*each) for each in zip(bodies, plans, scored, strict=True)]

    def _placed(self, body: Any, plan: Plan, scored: Scored) -> Treated:  # noqa: ANN401 - the engine's JSON
        """Put the hits of `body` in their order, and remember it."""
        if scored.wanted and not scored.reached:
            return self._kept(body, plan, Outcome("late", "the model was not done in time", query_text=plan.text))
        outcome = outcome_of(body, plan, scored.result)
        if outcome.status != "reranked":
            return self._kept(body, plan, outcome)
        keys = hit_keys(body["hits"]["hits"])
        ids = [doc_id for _, doc_id in keys]
        reranked = [one.position for one in from_reranking(scored.result)]
        order, teams, draft = reranked, None, None
        if self.interleave:
            planned = self._planned[id(plan)]
            reader = planned.reader or secrets.token_hex(8)  # later pages are remembered
            draft = draft_key(planned.rule.name, plan.text, reader)
            mixed = team_draft([str(place) for place in range(len(keys))], [str(place) for place in reranked], draft)
            order, teams = [int(hit.doc_id) for hit in mixed], [hit.team for hit in mixed]
        label = "reranked" if scored.reached == scored.wanted else f"partial {scored.reached}/{scored.wanted}"
        if plan.after is None:
            window = tuple(keys[place] for place in order[: plan.window])
            ranking = Remembered(window, label, True, tuple(teams or ())[: plan.window], draft)
            self.pages.store(self._planned[id(plan)].key, ranking)
        first = _first_of(body, plan, order)
        put_in_order(body, plan, order)
        shown = [ShownHit(ids[place], None if teams is None else teams[spot]) for spot, place in enumerate(order)]
        return Treated(
            label,
            replace(outcome),
            plan,
            tuple(ids),
            tuple(ids[place] for place in reranked),
            tuple(shown[first : first + plan.size]),
            first + 1,
            scored=scored,
            order=tuple(order),
            draft=draft,
        )

    def _kept(self, body: Any, plan: Plan, outcome: Outcome) -> Treated:  # noqa: ANN401
        """Keep the engine's order, and remember that, so that later pages do not mix it with another."""
        label = passed(outcome.reason)
        ids = tuple(doc_id for _, doc_id in hit_keys(body["hits"]["hits"]))
        if outcome.status in ("late", "failed"):
            self.keep_own([plan], label)
        keep_page(body, plan)
        return Treated(label, replace(outcome), plan, ids)


def passed(reason: str) -> str:
    """Return the header of a search that passed through."""
    return _PASSED + reason


def _first_of(body: Any, plan: Plan, order: Sequence[int]) -> int:  # noqa: ANN401
    """Return where the requested page begins among the hits of `body` in their `order`, from 0."""
    place = place_after([body["hits"]["hits"][spot] for spot in order], plan)
    return plan.start if place is None else place


def _as_before(body: Any, plan: Plan, known: Remembered) -> Treated:  # noqa: ANN401
    """Put the hits of `body` in the order of an earlier page of the same search."""
    hits = body["hits"]["hits"]
    keys = hit_keys(hits)
    if not known.reranked:
        keep_page(body, plan)
        return Treated(known.label, Outcome("late", known.label, query_text=plan.text), plan, unread=True)
    if plan.after is not None and place_after(hits, plan) is None:
        outcome = Outcome("passed", NOT_IN_THE_WINDOW, query_text=plan.text)
        return Treated(passed(NOT_IN_THE_WINDOW), outcome, plan, unread=True)
    order = places(known, keys)
    first = _first_of(body, plan, order)
    put_in_order(body, plan, order)
    ids = tuple(doc_id for _, doc_id in keys)
    teams = dict(zip(known.order, known.teams, strict=False))
    shown = tuple(ShownHit(ids[place], teams.get(keys[place])) for place in order)
    return Treated(
        known.label,
        Outcome("reranked", query_text=plan.text),
        plan,
        ids,
        () if known.teams else tuple(hit.doc_id for hit in shown),
        shown[first : first + plan.size],
        first + 1,
        order=tuple(order),
        draft=known.draft,
        remembered=True,
    )
