"""Where each hit was before and how far it moved, which scores moved it, and why a hit was not scored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from resift.rerank.reranker import Reranking
from resift.retrieval.types import Hit, Ranking

Unscored = Literal["promoted", "no text", "below the window"]
"""Why the model did not score a hit: see `promoted` and `unread` of `Reranking`; or more hits were before it."""


@dataclass(frozen=True, slots=True)
class ExplainedHit:
    """A hit with the rank and the score of each stage; ranks count from 1.

    `score`: what decided the order. `logit`: the model's raw score, and `probability`: its sigmoid, from 0 to 1; None
    if the model did not score the hit, and `unscored` says why. `fused`: the sum of both stages' z-scores where that
    decided, None if the model alone did. If no model reranked the query, all four are None.
    """

    rank: int
    doc_id: str
    score: float
    first_stage_rank: int
    first_stage_score: float
    logit: float | None
    probability: float | None = None
    fused: float | None = None
    unscored: Unscored | None = None

    @property
    def shown(self) -> float | None:
        """The score to show: the model's probability, or the first stage's score if no model reranked the query.

        None if the model did not score this hit. A fused score is relative to the other hits of its query (0 if there
        is one hit), so it is not shown alone.
        """
        return self.score if self.logit is None and self.unscored is None else self.probability

    def as_json(self) -> dict[str, Any]:
        """Return the hit as a JSON object, in which `score` is the one to show."""
        return {
            "rank": self.rank,
            "doc_id": self.doc_id,
            "score": self.shown,
            "fused": self.fused,
            "logit": self.logit,
            "unscored": self.unscored,
            "first_stage_rank": self.first_stage_rank,
            "first_stage_score": self.first_stage_score,
        }


@dataclass(frozen=True, slots=True)
class ComparedRank:
    """One rank of two orders of the same hits; all ranks count from 1.

    `old`: the hit that the first order has here, which the second has at `goes_to`. `new`: the hit that the second
    order has here, which the first has at `came_from`.
    """

    rank: int
    old: Hit
    goes_to: int
    new: Hit
    came_from: int


def compare_ranks(before: Ranking, after: Ranking, top: int) -> Iterator[ComparedRank]:
    """Yield the first `top` ranks of two orders of the same hits."""
    old_ranks, new_ranks = _ranks(before), _ranks(after)
    pairs = zip(before.top(top).hits, after.top(top).hits, strict=True)
    for rank, (old, new) in enumerate(pairs, start=1):
        yield ComparedRank(rank, old, new_ranks[old.document.doc_id], new, old_ranks[new.document.doc_id])


def move(before: int, after: int) -> str:
    """Return how far a document moved: ▲ up, ▼ down, = not at all.

    >>> move(5, 2), move(2, 5), move(2, 2)
    ('▲3', '▼3', '=')
    """
    if before == after:
        return "="
    return f"▲{before - after}" if before > after else f"▼{after - before}"


def explain(result: Reranking, top: int) -> list[ExplainedHit]:
    """Return the first `top` hits of a reranking, best first, each with its place in the first stage."""
    before = {hit.document.doc_id: (rank, hit.score) for rank, hit in enumerate(result.first_stage.hits, start=1)}
    explained = []
    for place, hit in enumerate(result.ranking.top(top).hits):
        doc_id = hit.document.doc_id
        logit = result.logits.get(doc_id)
        explained.append(
            ExplainedHit(
                place + 1,
                doc_id,
                hit.score,
                *before[doc_id],
                logit=logit,
                probability=None if logit is None else probability(logit),
                fused=hit.score if result.fused and logit is not None else None,
                unscored=why_unscored(result, place),
            )
        )
    return explained


def probability(logit: float) -> float:
    """Return the sigmoid of a logit, 1 / (1 + exp(-logit)), from 0 to 1; only for display, since it saturates.

    >>> round(probability(4.0), 3)
    0.982
    """
    wide = math.exp(-abs(logit))
    return 1.0 / (1.0 + wide) if logit >= 0 else wide / (1.0 + wide)


def why_unscored(result: Reranking, place: int) -> Unscored | None:
    """Return why the hit at `place`, from 0, of the reranked order has no score of the model.

    None if it has one, or if no model reranked the query.
    """
    scored_to = result.promoted + len(result.logits)
    unread_to = scored_to + result.unread
    if unread_to == 0 or result.promoted <= place < scored_to:
        return None
    if place < result.promoted:
        return "promoted"
    return "no text" if place < unread_to else "below the window"


def _ranks(ranking: Ranking) -> dict[str, int]:
    return {hit.document.doc_id: rank for rank, hit in enumerate(ranking.hits, start=1)}
