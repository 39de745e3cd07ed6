"""Reorder the hits of a response; everything else stays as the engine returned it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from resift.rerank.candidates import Candidate, explain_candidates, from_reranking, to_ranking
from resift.rerank.explanation import ExplainedHit, Explanation
from resift.rerank.fusion_choice import Fusion
from resift.rerank.plugin.request import Plan
from resift.rerank.reranker import Reranking
from resift.retrieval.engine.field_choice import TITLE_NAMES
from resift.retrieval.engine.fields import Fields
from resift.retrieval.engine.hits import HitReader
from resift.retrieval.types import Query, Ranking

ScoreKind = Literal["engine", "model", "final"]
"""What `_score` is in the reranked response: the engine's own, the model's logit, or what decided the order."""
Status = Literal["reranked", "passed", "failed", "late"]
NOT_IN_THE_WINDOW = "search_after does not name one hit of the window, which alone is reranked"
_NO_CHANGE: Mapping[int, float | None] = {}
_NO_SCORE = -4e9  # lower scores are the separators in the results of a hybrid query without a search pipeline


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one search: reranked; passed through unchanged, failed or late, with the `reason`.

    `scored`: how many hits the model scored. `truncated`: how many of them it did not read to the end. `query_text`:
    the words by which they were scored, "" if the search was not understood. `unread`: how many hits of the window have
    no text, and follow those that were scored. `promoted`: how many hits kept their places above all others. `fusion`:
    how the engine's scores and the model's were combined; None if the hits were not reranked. `explanation`: what moved
    each hit of the page, None if it was not asked for with `explain_hits`, or the hits were not reranked.
    """

    status: Status
    reason: str = ""
    scored: int = 0
    truncated: int = 0
    query_text: str = ""
    unread: int = 0
    promoted: int = 0
    fusion: Fusion | None = None
    explanation: Explanation | None = None

    @property
    def hits(self) -> tuple[ExplainedHit, ...]:
        """The explained hits of the page, in its order; empty without an explanation."""
        return () if self.explanation is None else self.explanation.hits


def fields_to_read(names: Sequence[str], others: Sequence[str] = ()) -> Fields:
    """Return which fields of a hit are its title and its text.

    Of several `names`, one that is usual for a title is the title, the rest are the text. `others` are the fields
    that the template names besides.
    """
    title = next((name for name in names if name in TITLE_NAMES), "") if len(names) > 1 else ""
    text = tuple(name for name in names if name != title)
    return Fields(searched=(), title=title, text=text, nested={}, others=tuple(others))


def hits_to_ranking(hits: Sequence[Mapping[str, Any]], plan: Plan, reader: HitReader) -> Ranking:
    """Return the hits of a response as a ranking for the query of `plan`.

    If no hit has a score, as in rankings combined in the engine, their order is the first stage's; else a missing score
    counts as 0.
    """
    scored = any(hit.get("_score") is not None for hit in hits)
    candidates = []
    for hit in hits:
        view = {**hit, "_source": plan.reading.text_fields(hit), "fields": {}}
        candidates.append(Candidate(reader.read(view), float(hit.get("_score") or 0.0) if scored else None))
    return to_ranking(Query("q", plan.text), candidates)


def promoted_hits(hits: Sequence[Mapping[str, Any]], plan: Plan) -> int:
    """Return how many of the first hits the request itself pins to the top."""
    return next((place for place, hit in enumerate(hits) if hit["_id"] not in plan.pinned), len(hits))


def reorder(
    body: dict[str, Any], plan: Plan, result: Reranking, scores: ScoreKind, explain_hits: bool = False
) -> Outcome:
    """Order the hits of `body` as in `result`, and keep the requested page; return the outcome.

    `explain_hits`: the outcome explains each hit of the page.
    """
    outcome = outcome_of(body, plan, result)
    if outcome.status != "reranked":
        keep_page(body, plan)
        return outcome
    order = from_reranking(result)
    shown: dict[int, float | None] = {}
    if scores != "engine":
        shown = {one.position: one.score if scores == "final" else one.logit for one in order}
    places = [one.position for one in order]
    if explain_hits:
        outcome = replace(outcome, explanation=_explanation(body["hits"]["hits"], plan, result, places))
    put_in_order(body, plan, places, shown)
    return outcome


def _explanation(
    hits: Sequence[Mapping[str, Any]], plan: Plan, result: Reranking, places: Sequence[int]
) -> Explanation:
    """Return what explains the hits of the page; `hits` are those of the engine, and `places` their new order."""
    after = place_after([hits[place] for place in places], plan)
    first = plan.start if after is None else after
    scored = any(hit.get("_score") is not None for hit in hits)
    ids = [str(hit["_id"]) for hit in hits]
    return explain_candidates(result, ids, places[first : first + plan.size], first + 1, scored=scored)


def put_in_order(
    body: dict[str, Any], plan: Plan, order: Sequence[int], scores: Mapping[int, float | None] = _NO_CHANGE
) -> None:
    """Put the hits at the places `order`, from 0, in this order, and keep the requested page.

    `scores`: what `_score` becomes, by place; the other hits keep theirs.
    """
    hits = body["hits"]["hits"]
    ordered = [{**hits[place], "_score": scores.get(place, hits[place]["_score"])} for place in order]
    body["hits"]["hits"] = ordered
    known = [hit["_score"] for hit in ordered if hit["_score"] is not None]
    if scores and body["hits"].get("max_score") is not None and known:
        body["hits"]["max_score"] = max(known)
    keep_page(body, plan, place_after(ordered, plan))


def outcome_of(body: Mapping[str, Any], plan: Plan, result: Reranking) -> Outcome:
    """Return the outcome of a reranking: nothing may have been scored, or the page may begin elsewhere."""
    status: Status = "passed"
    if not result.ranking.hits:
        reason = "the engine found no hits"
    elif not result.logits and not result.unread:
        reason = "all hits of the window are promoted"
    elif not result.logits:
        status, reason = "failed", f"no hit has a text in {', '.join(plan.reading.names)}; name fields that have one"
    elif any((hit.get("_score") or 0.0) <= _NO_SCORE for hit in body["hits"]["hits"]):
        reason = "a hybrid query without a normalization-processor gives no ranking; name a search_pipeline"
    elif plan.after is not None and place_after(body["hits"]["hits"], plan) is None:
        reason = NOT_IN_THE_WINDOW
    else:
        status, reason = "reranked", ""
    return Outcome(
        status,
        reason,
        scored=len(result.logits),
        truncated=result.truncated,
        query_text=plan.text,
        unread=result.unread,
        promoted=result.promoted,
        fusion=result.fusion if status == "reranked" else None,
    )


def place_after(hits: Sequence[Mapping[str, Any]], plan: Plan) -> int | None:
    """Return the place behind the one hit of the window with the sort values `plan.after`, None if there is not one."""
    places = [place for place, hit in enumerate(hits) if plan.after == tuple(hit.get("sort") or ())]
    return places[0] + 1 if len(places) == 1 and places[0] < plan.window else None


def keep_page(body: dict[str, Any], plan: Plan, start: int | None = None) -> None:
    """Keep the requested page of the hits, from `start` if it is given, and the requested parts of each hit."""
    first = plan.start if start is None else start
    page = body["hits"]["hits"][first : first + plan.size]
    for hit in page:
        plan.reading.removed_from(hit)
    body["hits"]["hits"] = page


def failed_shards(body: Mapping[str, Any]) -> int:
    """Return how many shards failed."""
    shards = body.get("_shards", {})
    return int(shards.get("failed", 0)) if isinstance(shards, Mapping) else 0


def missing_parts(body: Mapping[str, Any]) -> int:
    """Return how many shards failed, or ran out of time: then at least one."""
    return max(failed_shards(body), int(bool(body.get("timed_out"))))


def with_hits(own: dict[str, Any], reranked: Mapping[str, Any]) -> None:
    """Put the reranked hits into the engine's own response, which keeps its total and all other parts."""
    total = {"total": own["hits"]["total"]} if "total" in own["hits"] else {}
    own["hits"] = {**reranked["hits"], **total}


def with_outcome(response: Any, outcome: Any) -> Any:  # noqa: ANN401 - whatever the client returned
    """Return a copy of `response` whose attribute `resift` is the outcome; its type is a subclass of its own."""
    kind: Any = type(response)
    own = _outcome_type(kind)
    copy = own(response) if isinstance(response, dict) else own(response.body, response.meta)
    copy.resift = outcome
    return copy


@functools.cache
def _outcome_type(kind: Any) -> Any:  # noqa: ANN401 - a type that is created here
    plain = issubclass(kind, dict)
    parts = (lambda one: (kind, (dict(one),))) if plain else (lambda one: (kind, (one.body, one.meta)))
    return type(f"Reranked{kind.__name__}", (kind,), {"__reduce__": parts})  # copies and pickles have the client's type


def body_of(response: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the JSON of either client's response."""
    body: dict[str, Any] = response if isinstance(response, dict) else response.body
    return body
