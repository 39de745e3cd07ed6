"""A search's response in the new order, all else as the engine gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from resift.rerank.plugin.request import Plan
from resift.rerank.reranker import Reranking
from resift.retrieval.engine.fields import TITLE_NAMES, Fields
from resift.retrieval.engine.hits import HitReader
from resift.retrieval.types import Hit, Query, Ranking

ScoreKind = Literal["engine", "model", "final"]
"""What `_score` is in the reranked response: the engine's own, the model's logit, or what decided the order."""
Status = Literal["reranked", "passed", "failed", "late"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one search: reranked; passed through unchanged, failed or late, and why (`reason`).

    `scored`: how many hits the model scored. `truncated`: of how many it did not read the end.
    """

    status: Status
    reason: str = ""
    scored: int = 0
    truncated: int = 0


def fields_of(names: Sequence[str], others: Sequence[str] = ()) -> Fields:
    """Return what is read of a hit: of `names` a title's, if it is one by its name, and the rest as its text.

    `others` are what the template names besides.
    """
    title = next((name for name in names if name in TITLE_NAMES), "") if len(names) > 1 else ""
    return Fields((), title, tuple(name for name in names if name != title), {}, "", tuple(others))


def ranking_of(hits: Sequence[Mapping[str, Any]], plan: Plan, reader: HitReader) -> Ranking:
    """Return the hits as a ranking; a document's id is its place, since ids of several indices may be equal.

    The places are numbered backwards, so that hits of equal score keep the engine's order under the rule of the house.
    """
    found = []
    for place, hit in enumerate(hits):
        score = hit.get("_score")
        name = f"{len(hits) - place:08d}"
        found.append(Hit(reader.read(hit, name), float(score) if score is not None else 0.0))
    return Ranking.of(Query("q", plan.text), found)


def reorder(body: dict[str, Any], plan: Plan, result: Reranking, scores: ScoreKind) -> Outcome:
    """Put the hits of `body` into the order of `result` and cut the page that was asked for."""
    hits = body["hits"]["hits"]
    count = len(hits)
    ordered = []
    for ranked in result.ranking.hits:
        hit = hits[count - int(ranked.document.doc_id)]
        score = hit["_score"]
        if scores == "final":
            score = ranked.score
        elif scores == "model":
            score = result.logits.get(ranked.document.doc_id, score)
        ordered.append({**hit, "_score": score})
    body["hits"]["hits"] = ordered
    known = [hit["_score"] for hit in ordered if hit["_score"] is not None]
    if scores != "engine" and "max_score" in body["hits"] and known:
        body["hits"]["max_score"] = max(known)
    cut(body, plan)
    return Outcome("reranked", "", len(result.logits), result.truncated)


def cut(body: dict[str, Any], plan: Plan) -> None:
    """Leave of the hits the page that was asked for, and of their sources what was asked for."""
    page = body["hits"]["hits"][plan.start : plan.start + plan.size]
    for hit in page:
        if plan.bare:
            hit.pop("_source", None)
        for name in plan.added:
            _remove(hit.get("_source"), name.split("."))
    body["hits"]["hits"] = page


def _remove(source: Any, path: Sequence[str]) -> None:  # noqa: ANN401
    """Take the field at `path` out of a source, through objects and arrays of them, and what is empty then."""
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
    """Return how many shards a response misses."""
    shards = body.get("_shards", {})
    return int(shards.get("failed", 0)) if isinstance(shards, Mapping) else 0


def marked(response: Any, outcome: Any) -> Any:  # noqa: ANN401 - whatever the client returned
    """Return `response`, of a type that is its own and has `resift`, what became of the search."""
    kind = type(response)
    if kind not in _marked_types:
        _marked_types[kind] = _marked_type(kind)
    own = _marked_types[kind]
    copy = own(response) if isinstance(response, dict) else own(response.body, response.meta)
    copy.resift = outcome
    return copy


_marked_types: dict[Any, Any] = {}


def _marked_type(kind: type[Any]) -> Any:  # noqa: ANN401 - a type that is made here
    plain = issubclass(kind, dict)
    parts = (lambda one: (kind, (dict(one),))) if plain else (lambda one: (kind, (one.body, one.meta)))
    return type(f"Reranked{kind.__name__}", (kind,), {"__reduce__": parts})  # a copy or a pickle is the client's type
