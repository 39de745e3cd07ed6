"""Reorder the hits of a response; everything else stays as the engine returned it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from resift.rerank.candidates import Candidate, from_reranking, to_ranking
from resift.rerank.plugin.request import Plan
from resift.rerank.reranker import Reranking
from resift.retrieval.engine.fields import TITLE_NAMES, Fields
from resift.retrieval.engine.hits import HitReader
from resift.retrieval.types import Query, Ranking

ScoreKind = Literal["engine", "model", "final"]
"""What `_score` is in the reranked response: the engine's own, the model's logit, or what decided the order."""
Status = Literal["reranked", "passed", "failed", "late"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one search: reranked; passed through unchanged, failed or late, with the `reason`.

    `scored`: how many hits the model scored. `truncated`: how many of them it did not read to the end.
    """

    status: Status
    reason: str = ""
    scored: int = 0
    truncated: int = 0


def fields_to_read(names: Sequence[str], others: Sequence[str] = ()) -> Fields:
    """Return which fields of a hit are its title and its text.

    Of several `names`, one that is usual for a title is the title, the rest are the text. `others` are the fields
    that the template names besides.
    """
    title = next((name for name in names if name in TITLE_NAMES), "") if len(names) > 1 else ""
    text = tuple(name for name in names if name != title)
    return Fields(searched=(), title=title, text=text, nested={}, others=tuple(others))


def hits_to_ranking(hits: Sequence[Mapping[str, Any]], text: str, reader: HitReader) -> Ranking:
    """Return the hits of a response as a ranking for the query `text`; a missing score counts as 0."""
    return to_ranking(Query("q", text), [Candidate(reader.read(hit), float(hit.get("_score") or 0.0)) for hit in hits])


def reorder(body: dict[str, Any], plan: Plan, result: Reranking, scores: ScoreKind) -> Outcome:
    """Order the hits of `body` as in `result`, and keep the requested page; return the outcome."""
    hits = body["hits"]["hits"]
    ordered = []
    for reranked in from_reranking(result):
        hit = hits[reranked.position]
        score = hit["_score"]
        if scores == "final":
            score = reranked.score
        elif scores == "model" and reranked.logit is not None:
            score = reranked.logit
        ordered.append({**hit, "_score": score})
    body["hits"]["hits"] = ordered
    known = [hit["_score"] for hit in ordered if hit["_score"] is not None]
    if scores != "engine" and "max_score" in body["hits"] and known:
        body["hits"]["max_score"] = max(known)
    keep_page(body, plan)
    return Outcome("reranked", "", len(result.logits), result.truncated)


def keep_page(body: dict[str, Any], plan: Plan) -> None:
    """Keep the requested page of the hits, and the requested fields of their sources."""
    page = body["hits"]["hits"][plan.start : plan.start + plan.size]
    for hit in page:
        if plan.source_suppressed:
            hit.pop("_source", None)
        for name in plan.added:
            _remove(hit.get("_source"), name.split("."))
    body["hits"]["hits"] = page


def _remove(source: Any, path: Sequence[str]) -> None:  # noqa: ANN401
    """Remove the field at `path` from a source, through objects and arrays, and what is empty afterwards."""
    if isinstance(source, list):
        for member in source:
            _remove(member, path)
        source[:] = [member for member in source if member not in ({}, [])]
    elif isinstance(source, dict):
        source.pop(".".join(path), None)
        if len(path) > 1 and path[0] in source:
            _remove(source[path[0]], path[1:])
            if source[path[0]] in ({}, []):
                del source[path[0]]


def failed_shards(body: Mapping[str, Any]) -> int:
    """Return how many shards failed."""
    shards = body.get("_shards", {})
    return int(shards.get("failed", 0)) if isinstance(shards, Mapping) else 0


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
