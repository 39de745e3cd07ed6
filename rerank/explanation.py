"""Where each hit was before and how far it moved, which scores and which passage moved it, or why it was not scored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from resift.rerank.explained_passage import ExplainedPassage, deciding_passage
from resift.rerank.fusion import Scale, weights_by
from resift.rerank.fusion_choice import Fusion
from resift.rerank.occlusion import WordEffects
from resift.rerank.reranker import Reranking
from resift.retrieval.types import Document, Hit, Ranking

Unscored = Literal["promoted", "no text", "below the window", "not in time", "remembered"]
"""Why the model did not score a hit: see `promoted` and `unread` of `Reranking`; or more hits were before it.

"not in time": its turn did not come before the time was up. "remembered": the order is that of an earlier page.
"""


@dataclass(frozen=True, slots=True)
class FusedFrom:
    """What a fused value is made of: `weight` * `logit_z` + (1 - `weight`) * `first_stage_z`, rounded to float32.

    `weight`: the model's weight for this hit, lowered to the share of its text that was `read` if the fusion is of the
    kind "zscore-read". `logit_z`, `first_stage_z`: the z-scores of both stages' scores, on the query's scale.
    """

    weight: float
    read: float
    logit_z: float
    first_stage_z: float

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        parts = {"weight": self.weight, "read": self.read}
        return {**parts, "logit_z": _finite(self.logit_z), "first_stage_z": _finite(self.first_stage_z)}


@dataclass(frozen=True, slots=True)
class ExplainedHit:
    """A hit with the rank and the score of each stage; ranks count from 1.

    `score`: what decided the order. `first_stage_score`: None if the first stage gave an order without scores.
    `logit`: the model's raw score, and `probability`: its sigmoid, from 0 to 1; None if the model did not score the
    hit, and `unscored` says why. `fused`: the sum of both stages' z-scores where that decided, None if the model alone
    did. If no model reranked the query, all four are None.

    With details: `fused_from` are the parts of `fused`, `passage` is what the model read when it gave the logit, and
    `words` are the words in it that mattered, if they were asked for.
    """

    rank: int
    doc_id: str
    score: float
    first_stage_rank: int
    first_stage_score: float | None
    logit: float | None
    probability: float | None = None
    fused: float | None = None
    unscored: Unscored | None = None
    fused_from: FusedFrom | None = None
    passage: ExplainedPassage | None = None
    words: WordEffects | None = None

    @property
    def shown(self) -> float | None:
        """The score to show: the model's probability, or the first stage's score if no model reranked the query.

        None if the model did not score this hit. A fused score is relative to the other hits of its query (0 if there
        is one hit), so it is not shown alone.
        """
        return self.first_stage_score if self.logit is None and self.unscored is None else self.probability

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

    def explained_json(self) -> dict[str, Any]:
        """Return the hit as a JSON object with all that explains its place; "words" only if they were asked for."""
        found = {
            **self.as_json(),
            "probability": self.probability,
            "fused_from": None if self.fused_from is None else self.fused_from.as_json(),
            "passage": None if self.passage is None else self.passage.as_json(),
        }
        return found if self.words is None else {**found, "words": self.words.as_json()}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explained hits of one query.

    `query`: its text. `fusion`: how both stages' scores were combined, and `scale`: on which scale; None if no model
    reranked the query, or the model alone decided.
    """

    query: str
    fusion: Fusion | None
    scale: Scale | None
    hits: tuple[ExplainedHit, ...]

    def fusion_json(self) -> dict[str, Any] | None:
        """Return the fusion with its scale as a JSON object, None without a fusion."""
        return None if self.fusion is None else fusion_json(self.fusion, self.scale)


def fusion_json(fusion: Fusion, scale: Scale | None) -> dict[str, Any]:
    """Return a fusion with the mean and the standard deviation of both stages' scores as a JSON object."""
    stages = {} if scale is None else {"first_stage": scale.first_stage, "logit": scale.logits}
    shown = {name: {"mean": _finite(mean), "deviation": _finite(by)} for name, (mean, by) in stages.items()}
    return {**fusion.as_json(), "scale": shown or None}


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


def explain(result: Reranking, top: int, details: bool = False) -> list[ExplainedHit]:
    """Return the first `top` hits of a reranking, best first, each with its place in the first stage, and `details`."""
    before = {hit.document.doc_id: (rank, hit.score) for rank, hit in enumerate(result.first_stage.hits, start=1)}
    explained = []
    for place, hit in enumerate(result.ranking.top(top).hits):
        doc_id = hit.document.doc_id
        logit = result.logits.get(doc_id)
        found = ExplainedHit(
            place + 1,
            doc_id,
            hit.score,
            *before[doc_id],
            logit=logit,
            probability=None if logit is None else probability(logit),
            fused=hit.score if result.fused and logit is not None else None,
            unscored=why_unscored(result, place),
        )
        explained.append(with_details(found, result, hit.document) if details else found)
    return explained


def with_details(hit: ExplainedHit, result: Reranking, document: Document) -> ExplainedHit:
    """Return a hit of `result` with the parts of its fused value and the passage of its `document` that decided."""
    return replace(hit, fused_from=_fused_from(hit, result), passage=deciding_passage(result, document))


def no_words(hit: ExplainedHit) -> WordEffects:
    """Return why a hit that the model did not score has no words that mattered."""
    return WordEffects(missing=f"the model did not score it ({hit.unscored or 'no model'})")


def _fused_from(hit: ExplainedHit, result: Reranking) -> FusedFrom | None:
    scale, fusion = result.scale, result.fusion
    if scale is None or fusion is None or hit.logit is None or hit.first_stage_score is None:
        return None
    read = result.read.get(hit.doc_id, 1.0)
    weight = float(np.ravel(weights_by(fusion.kind, fusion.weight, np.array([read])))[0])
    return FusedFrom(weight, read, _z(hit.logit, scale.logits), _z(hit.first_stage_score, scale.first_stage))


def _z(score: float, moments: tuple[float, float]) -> float:
    mean, deviation = moments
    return (score - mean) / deviation if deviation else 0.0


def _finite(value: float) -> float | None:
    """Return `value`, or None for what JSON does not have."""
    return value if math.isfinite(value) else None


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
