"""What a response says of the reranking when the caller asks for it: members named _resift."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resift.rerank.candidates import explain_candidates
from resift.rerank.explained_passage import ExplainedPassage
from resift.rerank.explanation import ExplainedHit, Explanation, fusion_json, no_words
from resift.rerank.occlusion import WordEffects
from resift.rerank.proxy.work import Treated

_LOG = logging.getLogger("resift.proxy")

Words = Callable[[str, ExplainedPassage], Awaitable[WordEffects]]
"""Returns the words that mattered for the score of a query and a passage, or why they are missing."""

_Explained = tuple[Explanation | None, str]  # and what is missing


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants to know. `rank`: of the hit whose words are explained, from 1 on the page.

    `problem`: what cannot be read of it.
    """

    rank: int | None = None
    problem: str = ""


def read_wish(header: bytes | None) -> Wish | None:
    """Return what the header X-Resift-Details asks for, None if that is nothing.

    >>> read_wish(b"on"), read_wish(b"words=2"), read_wish(b"off")
    (Wish(rank=None, problem=''), Wish(rank=2, problem=''), None)
    """
    text = (header or b"").decode("latin-1").strip().lower()
    name, _, value = text.partition("=")
    if name.strip() != "words":
        return Wish() if text == "on" else None
    value = value.strip()
    if value.isascii() and value.isdigit() and 0 < len(value) < 6 and int(value):
        return Wish(int(value))
    return Wish(problem="words is not the rank of a hit of the page, such as words=1")


async def add_details(body: Mapping[str, Any], treated: Sequence[Treated], wish: Wish, words: Words) -> None:
    """Add to each response of `body` how it was treated, and to each of its hits where it was and why it moved.

    `words` explains the words of the hit that `wish` names; of several searches, those of the first with hits.
    """
    responses = body["responses"] if "responses" in body else [body]
    rank, problem = wish.rank, wish.problem
    for response, one in zip(responses, treated, strict=True):
        if not isinstance(response, dict):
            continue
        hits = response.get("hits")
        page = hits.get("hits", []) if isinstance(hits, Mapping) and one.order else []
        explanation, missing = await _explained(page, one, rank, words)
        if page:
            rank = None
        response["_resift"] = _summary(one, explanation, problem or missing)
        for hit, explained in zip(page, () if explanation is None else explanation.hits, strict=False):
            hit["_resift"] = explained.explained_json()


async def _explained(page: Sequence[Mapping[str, Any]], one: Treated, rank: int | None, words: Words) -> _Explained:
    """Return what explains the hits of a page, with the words of the one at `rank`; what fails is left out."""
    explanation: Explanation | None = None
    try:
        explanation = _explanation(page, one) if page else None
        if explanation is None or rank is None:
            return explanation, ""
        if rank > len(explanation.hits):
            return explanation, f"words={rank} is not on the page, which has {len(explanation.hits)} hits"
        hits = list(explanation.hits)
        hit = hits[rank - 1]
        found = no_words(hit) if hit.passage is None else await words(explanation.query, hit.passage)
        hits[rank - 1] = replace(hit, words=found)
        return replace(explanation, hits=tuple(hits)), ""
    except Exception as error:  # the search itself must not fail
        _LOG.exception("a search was not explained")
        return explanation, f"failed: {type(error).__name__}"


def _explanation(page: Sequence[Mapping[str, Any]], one: Treated) -> Explanation:
    """Return what is known of the hits of a page, in their order."""
    shown = one.order[one.first - 1 :][: len(page)]
    if one.scored is None:  # the order is remembered, and not why it is so
        hits = [
            _remembered(hit, place, one.first + spot) for spot, (hit, place) in enumerate(zip(page, shown, strict=True))
        ]
        return Explanation(one.outcome.query_text, None, None, tuple(hits))
    scored = any(hit.get("_score") is not None for hit in page)
    partial = one.plan is not None and one.scored.reached < one.scored.wanted
    late = one.plan.window if one.plan is not None and partial else 0
    return explain_candidates(one.scored.result, one.first_stage, shown, one.first, scored=scored, late=late)


def _remembered(hit: Mapping[str, Any], place: int, rank: int) -> ExplainedHit:
    given = hit.get("_score")
    score = None if given is None else float(given)
    return ExplainedHit(rank, str(hit.get("_id")), score or 0.0, place + 1, score, logit=None, unscored="remembered")


def _summary(one: Treated, explanation: Explanation | None, missing: str) -> dict[str, Any]:
    outcome = one.outcome
    found: dict[str, Any] = {
        "status": one.label,
        "query_text": outcome.query_text,
        "scored": outcome.scored,
        "truncated": outcome.truncated,
        "without_text": outcome.unread,
        "promoted": outcome.promoted,
        "milliseconds": round(one.milliseconds, 3),
        "remembered": one.remembered,
    }
    if outcome.fusion is not None:
        found["fusion"] = fusion_json(outcome.fusion, None if explanation is None else explanation.scale)
    if one.plan is not None:
        found |= {"fields": list(one.plan.reading.names), "window": one.plan.window}
    return found | ({"missing": missing} if missing else {})
