"""The explanation of a reranking: where each hit was before, and its scores in both stages."""

from __future__ import annotations

from resift.rerank.explanation import ExplainedHit, explain
from resift.rerank.reranker import Reranking
from resift.retrieval.types import Document, Hit, Query, Ranking


def ranking(**scores: float) -> Ranking:
    return Ranking.of(Query("q", "soup"), [Hit(Document(doc_id, "text"), score) for doc_id, score in scores.items()])


def test_each_hit_has_the_ranks_and_scores_of_both_stages_and_no_logit_below_the_window() -> None:
    result = Reranking(ranking(a=9.0, b=8.0, c=7.0), ranking(b=2.0, a=1.0, c=0.0), {"a": -1.5, "b": 3.5})
    assert explain(result, 10) == [
        ExplainedHit(1, "b", 2.0, first_stage_rank=2, first_stage_score=8.0, logit=3.5),
        ExplainedHit(2, "a", 1.0, first_stage_rank=1, first_stage_score=9.0, logit=-1.5),
        ExplainedHit(3, "c", 0.0, first_stage_rank=3, first_stage_score=7.0, logit=None),
    ]
    assert [hit.doc_id for hit in explain(result, 1)] == ["b"]
