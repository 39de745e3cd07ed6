"""The explanation of a reranking: where each hit was before, and its scores in both stages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import zscore

from resift.rerank.candidates import Candidate, explain_candidates, to_ranking
from resift.rerank.explanation import explain, fusion_json
from resift.rerank.fusion import Scale
from resift.rerank.occlusion import WordEffects
from resift.rerank.reranker import Reranker, Reranking
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings
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


class Numbers:
    """A scorer whose logit is the last word of a text, of which it reads the first 20 characters."""

    def score(self, pairs: Sequence[Pair]) -> Scores:
        logits = np.array([float(text.split()[-1]) for _, text in pairs], dtype=np.float32)
        read = np.array([min(20, len(text)) for _, text in pairs])
        return Scores(logits, read < [len(text) for _, text in pairs], np.zeros(len(pairs), dtype=bool), read)


TEXTS = {
    "a": "one 3.25",
    "b": "a text that is longer than that -1.5",
    "c": "two 0.125",
    "d": "a longer text than 20 7.5",
}


@pytest.mark.parametrize("kind", ["zscore", "zscore-read"])
def test_the_fused_value_is_the_sum_of_its_parts_and_these_are_those_of_the_scores(kind: str) -> None:
    scores = {"a": 4.0, "b": 9.5, "c": 1.25, "d": 3.0}
    order = Ranking.of(Query("q", "soup"), [Hit(Document(one, TEXTS[one]), score) for one, score in scores.items()])
    [result] = Reranker(Numbers(), RerankSettings(fusion=kind, fusion_weight=0.7)).rerank([order])
    hits = explain(result, 10, details=True)
    logits = zscore([float(TEXTS[hit.doc_id].split()[-1]) for hit in hits])
    first = zscore([scores[hit.doc_id] for hit in hits])
    for hit, logit_z, first_stage_z in zip(hits, logits, first, strict=True):
        parts = hit.fused_from
        assert parts is not None and hit.fused is not None
        assert (parts.logit_z, parts.first_stage_z) == pytest.approx((logit_z, first_stage_z), abs=1e-9)
        share = min(1.0, 20 / len(TEXTS[hit.doc_id]))
        assert parts.read == pytest.approx(share)
        assert parts.weight == pytest.approx(0.7 * share if kind == "zscore-read" else 0.7)
        by_hand = parts.weight * parts.logit_z + (1 - parts.weight) * parts.first_stage_z
        assert hit.fused == pytest.approx(by_hand, abs=1e-6)


def test_without_details_or_without_fusion_there_are_no_parts() -> None:
    order = Ranking.of(Query("q", "soup"), [Hit(Document(one, TEXTS[one]), 1.0) for one in "abc"])
    [fused] = Reranker(Numbers(), RerankSettings(fusion="zscore")).rerank([order])
    [alone] = Reranker(Numbers(), RerankSettings(fusion="none")).rerank([order])
    assert {hit.fused_from for hit in explain(fused, 3)} == {None} == {hit.passage for hit in explain(fused, 3)}
    assert {hit.fused_from for hit in explain(alone, 3, details=True)} == {None}


def test_the_json_of_an_explained_hit_has_its_parts_and_no_number_that_json_lacks() -> None:
    order = Ranking.of(Query("q", "soup"), [Hit(Document(one, TEXTS[one]), 1.0) for one in "ac"])
    [result] = Reranker(Numbers(), RerankSettings(fusion="zscore")).rerank([order])
    result = replace(result, scale=Scale((1e300, float("inf")), (float("-inf"), 1.0)))
    [one, _] = explain(result, 2, details=True)
    found = replace(one, words=WordEffects(missing="no time")).explained_json()
    assert list(found)[-4:] == ["probability", "fused_from", "passage", "words"]
    assert found["words"] == {"passage": [], "query": [], "missing": "no time"}
    assert found["passage"]["field"] == {"name": "text", "start": 0, "end": 8}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert result.fusion is not None
    assert json.dumps(fusion_json(result.fusion, result.scale), allow_nan=False)


def test_candidates_are_explained_by_their_own_ids_in_the_order_in_which_they_are_shown() -> None:
    given = [Candidate(Document("", TEXTS[one])) for one in "acd"]
    settings = RerankSettings(rank_window_size=2, fusion="none")
    [result] = Reranker(Numbers(), settings).rerank([to_ranking(Query("q", "soup"), given)])
    found = explain_candidates(result, ["A", "C", "D"], [2, 0], first=5, scored=False, late=3)
    assert [(hit.rank, hit.doc_id, hit.first_stage_rank, hit.first_stage_score) for hit in found.hits] == [
        (5, "D", 3, None),
        (6, "A", 1, None),
    ]
    assert [hit.unscored for hit in found.hits] == ["not in time", None]
    assert found.hits[1].passage is not None and found.hits[1].passage.text == TEXTS["a"]
    [later, _] = explain_candidates(result, ["A", "C", "D"], [2, 0], late=2).hits
    assert (later.unscored, later.first_stage_score) == ("below the window", -2.0)
