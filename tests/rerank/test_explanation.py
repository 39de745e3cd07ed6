"""The explanation of a reranking: where each hit was before, and its scores in both stages."""

from __future__ import annotations

import pytest
from scipy.special import expit

from resift.rerank.explanation import explain
from resift.rerank.fusion import Scale
from resift.rerank.reranker import Reranking
from resift.retrieval.types import Document, Hit, Query, Ranking

SCALE = Scale(first_stage=(8.0, 1.0), logits=(0.0, 1.0))


def ranking(**scores: float) -> Ranking:
    return Ranking.of(Query("q", "soup"), [Hit(Document(doc_id, "text"), score) for doc_id, score in scores.items()])


def test_each_hit_has_the_ranks_and_scores_of_both_stages_and_no_logit_below_the_window() -> None:
    result = Reranking(ranking(a=9.0, b=8.0, c=7.0), ranking(b=3.5, a=-1.5, c=-2.5), {"a": -1.5, "b": 3.5})
    assert [(hit.rank, hit.doc_id, hit.score, hit.logit) for hit in explain(result, 10)] == [
        (1, "b", 3.5, 3.5),
        (2, "a", -1.5, -1.5),
        (3, "c", -2.5, None),
    ]
    assert [(hit.first_stage_rank, hit.first_stage_score) for hit in explain(result, 10)] == [(2, 8), (1, 9), (3, 7)]
    assert [hit.doc_id for hit in explain(result, 1)] == ["b"]


def test_the_score_to_show_is_the_sigmoid_of_the_logit_as_scipy_computes_it() -> None:
    logits = {"a": -800.0, "b": -1.5, "c": 0.0, "d": 3.5, "e": 800.0}
    shown = {hit.doc_id: hit.shown for hit in explain(Reranking(ranking(**logits), ranking(**logits), logits), 10)}
    assert shown == pytest.approx({doc_id: float(expit(logit)) for doc_id, logit in logits.items()}, rel=1e-14)


def test_the_fused_score_is_given_where_it_decides() -> None:
    [alone] = explain(Reranking(ranking(a=9.0), ranking(a=3.5), {"a": 3.5}), 1)
    [fused] = explain(Reranking(ranking(a=9.0), ranking(a=0.0), {"a": 3.5}, scale=SCALE), 1)
    assert (alone.fused, fused.fused) == (None, 0.0)
    assert alone.shown == fused.shown == pytest.approx(0.97069, abs=1e-5)


def test_a_hit_that_was_not_scored_shows_no_score_and_says_why() -> None:
    order = ranking(p=4.0, a=1.0, e=0.0, t=-1.0)
    result = Reranking(order, order, {"a": 1.0}, unread=1, promoted=1, scale=SCALE)
    assert [(hit.doc_id, hit.shown, hit.fused, hit.unscored) for hit in explain(result, 4)] == [
        ("p", None, None, "promoted"),
        ("a", pytest.approx(0.73106, abs=1e-5), 1.0, None),
        ("e", None, None, "no text"),
        ("t", None, None, "below the window"),
    ]


def test_without_a_model_the_score_of_the_first_stage_is_shown() -> None:
    assert [(hit.shown, hit.unscored) for hit in explain(Reranking.unchanged(ranking(a=9.0)), 1)] == [(9.0, None)]


def test_the_json_of_a_hit_has_the_score_to_show_as_its_score() -> None:
    [hit] = explain(Reranking(ranking(a=9.0), ranking(a=0.0), {"a": 0.0}, scale=SCALE), 1)
    assert hit.as_json() == {
        "rank": 1,
        "doc_id": "a",
        "score": 0.5,
        "fused": 0.0,
        "logit": 0.0,
        "unscored": None,
        "first_stage_rank": 1,
        "first_stage_score": 9.0,
    }
