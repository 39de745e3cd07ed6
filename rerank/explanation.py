"""Where each hit of a reranking was before, and which scores moved it."""

from __future__ import annotations

from dataclasses import dataclass

from resift.rerank.reranker import Reranking


@dataclass(frozen=True, slots=True)
class ExplainedHit:
    """A hit with the rank and the score of each stage; ranks count from 1.

    `logit`: the model's raw score; None below the window that the model rescored.
    """

    rank: int
    doc_id: str
    score: float
    first_stage_rank: int
    first_stage_score: float
    logit: float | None


def explain(result: Reranking, top: int) -> list[ExplainedHit]:
    """Return the first `top` hits of a reranking, best first, each with its place in the first stage."""
    before = {hit.document.doc_id: (rank, hit.score) for rank, hit in enumerate(result.first_stage.hits, start=1)}
    shown = [(rank, hit.document.doc_id, hit.score) for rank, hit in enumerate(result.ranking.top(top).hits, start=1)]
    return [
        ExplainedHit(rank, doc_id, score, *before[doc_id], logit=result.logits.get(doc_id))
        for rank, doc_id, score in shown
    ]
