"""The fitted weight is the known best one, 0 for a model that does not help, and never bought by harming a set."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from resift.rerank.evaluation.measures import per_query
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings
from resift.rerank.training.fusion.choice import choose_weight, cross_validate
from resift.rerank.training.fusion.fit import fit_fusion
from resift.rerank.training.fusion.settings import TuneSettings
from resift.rerank.training.fusion.stage_scores import SetScores, query_scores
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.types import Document, Hit, Query, Ranking, to_run
from tests.rerank.training.fusion.constructed import noisy_set, query

SETTINGS = TuneSettings(tune_step=0.1, tune_repeats=2)


def test_stages_of_equal_quality_get_about_half_each() -> None:
    fitted = fit_fusion([noisy_set("a", 120, (0.6, 0.6), seed=1)], SETTINGS)
    assert fitted.fusion.weight == pytest.approx(0.5, abs=0.1) and fitted.helps
    [one] = fitted.sets
    assert one.held_out > max(one.first_stage, one.alone) and one.interval[0] > 0.0


def test_a_model_that_is_far_better_than_the_first_stage_decides_alone() -> None:
    fitted = fit_fusion([noisy_set("a", 60, (5.0, 0.3), seed=2), noisy_set("b", 60, (5.0, 0.5), seed=3)], SETTINGS)
    assert fitted.fusion.weight == 1.0
    assert fitted.mean("held_out") == pytest.approx(fitted.mean("alone"), abs=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_knows_nothing_gets_no_weight_and_noise_is_not_taken_for_a_gain(seed: int) -> None:
    fitted = fit_fusion(
        [noisy_set("a", 40, (0.4, 1000.0), seed), noisy_set("b", 20, (0.6, 1000.0), seed + 50)], SETTINGS
    )
    gain = fitted.mean("held_out") - fitted.mean("first_stage")
    assert fitted.fusion.weight <= 0.1 and abs(gain) < 0.02
    if not fitted.helps:
        assert fitted.fusion.weight == 0.0 and gain == 0.0 and "does not improve" in fitted.reason


def test_a_model_that_is_wrong_gets_no_weight() -> None:
    good = noisy_set("a", 60, (0.5, 0.5), seed=4)
    wrong = SetScores("a", tuple(dataclasses.replace(one, logits=-one.logits) for one in good.queries))
    fitted = fit_fusion([wrong], SETTINGS)
    assert fitted.fusion.weight == 0.0 and not fitted.helps
    assert fitted.sets[0].alone < fitted.sets[0].first_stage == fitted.sets[0].held_out


def test_the_best_mean_is_not_taken_if_it_harms_one_of_the_sets() -> None:
    served = noisy_set("served", 80, (3.0, 0.3), seed=5)
    harmed = noisy_set("harmed", 80, (0.4, 3.0), seed=6)
    fitted = fit_fusion([served, harmed], SETTINGS)
    [preferred] = [one for one in fitted.kinds if one.kind == "zscore-read"]
    assert preferred.best > fitted.fusion.weight > 0.0 and preferred.harmed == ("harmed",)
    assert "harmed below the first stage" in fitted.reason
    of = {one.name: one for one in fitted.sets}
    assert of["served"].held_out > of["served"].first_stage + 0.1
    assert of["harmed"].held_out > of["harmed"].first_stage - 0.02


def test_held_out_values_are_not_those_of_a_weight_that_was_fitted_on_them() -> None:
    """Where the order of each query is a coin's toss, the best weight looks good, and held-out queries show that it is not."""
    noise = [noisy_set("a", 12, (1000.0, 1000.0), seed) for seed in range(20)]
    values = [one.ndcg("zscore", SETTINGS.weights) for one in noise]
    looks = np.mean([one.mean(axis=0).max() - one[:, 0].mean() for one in values])
    shows = np.mean([cross_validate([one], 4, 2).gain_over([one[:, 0]])[0] for one in values])
    assert looks > 0.02 and abs(shows) < looks / 2


def test_of_weights_that_cannot_be_told_apart_the_one_that_serves_the_weakest_set_best_is_taken() -> None:
    draws = np.random.default_rng(0).normal(0, 0.2, 50)
    strong = np.stack([np.zeros(50), 0.20 + draws, 0.25 - draws], axis=1)  # 0.05 apart, with an error of 0.057
    weak = np.stack([np.zeros(50), np.full(50, 0.05), np.full(50, 0.01)], axis=1)
    assert choose_weight([strong, weak]).place == 1
    certain = np.stack([np.zeros(50), np.full(50, 0.1), np.full(50, 0.3)], axis=1)
    assert choose_weight([certain, weak]).place == 2


def test_documents_that_were_read_in_part_make_the_kind_that_knows_it_the_better_one() -> None:
    """The model's score of a text is noise where it read a tenth of it."""
    whole = noisy_set("news", 100, (0.6, 0.2), seed=7)
    draws = np.random.default_rng(8)
    cut = []
    for one in whole.queries:
        read = np.where(draws.random(len(one.ids)) < 0.5, 1.0, 0.1)
        logits = np.where(read < 1.0, draws.normal(0.3, 0.6, len(read)), one.logits).astype(np.float32)
        cut.append(dataclasses.replace(one, read=read, logits=logits))
    fitted = fit_fusion([SetScores("news", tuple(cut))], SETTINGS)
    by_kind = {one.kind: one.held_out for one in fitted.kinds}
    assert by_kind["zscore-read"] > by_kind["zscore"] + 0.02
    assert fitted.fusion.kind == "zscore-read" and fitted.sets[0].truncated == pytest.approx(0.5, abs=0.05)


def test_the_same_scores_give_the_same_fusion() -> None:
    sets = [noisy_set("a", 30, (0.5, 0.5), seed=9)]
    assert fit_fusion(sets, SETTINGS) == fit_fusion(sets, SETTINGS)


class Numbers:
    """A scorer whose logit is the second word of a text, and which reads as many characters as its third word says."""

    def score(self, pairs: list[Pair]) -> Scores:
        words = [text.split() for _, text in pairs]
        read = np.array([min(int(word[2]), len(text)) for word, (_, text) in zip(words, pairs, strict=True)])
        cut = read < np.array([len(text) for _, text in pairs])
        logits = np.array([float(word[1]) for word in words], dtype=np.float32)
        return Scores(logits, cut, np.zeros(len(pairs), dtype=bool), read.astype(np.int64))


@pytest.mark.parametrize("kind", ["zscore", "zscore-read"])
def test_values_are_those_of_the_reranker_and_of_the_evaluation(kind: str) -> None:
    draws = np.random.default_rng(11)
    texts = [f"t {draws.integers(-2, 3)} {draws.integers(10, 60)} {'x' * 20}" for _ in range(25)] + [""]
    hits = [Hit(Document(f"d{place}", text), float(draws.integers(0, 6))) for place, text in enumerate(texts)]
    ranking = Ranking.of(Query("q", "words"), hits)
    grades = {f"d{place}": int(grade) for place, grade in enumerate(draws.integers(-1, 4, 26))} | {"unfound": 3}
    reranker = Reranker(Numbers(), RerankSettings(fusion="none", rank_window_size=20))  # type: ignore[arg-type]
    scores = query_scores(reranker.rerank([ranking])[0], grades)
    assert scores is not None
    for weight, found in zip(SETTINGS.weights, scores.ndcg(kind, SETTINGS.weights), strict=True):
        [result] = reranker.with_settings(fusion=kind, fusion_weight=weight).rerank([ranking])
        expected = per_query({"q": grades}, to_run([result.ranking]))["q"]["ndcg@10"]
        assert found == pytest.approx(expected, abs=1e-9)


def test_a_query_without_a_relevant_document_and_one_without_hits_are_understood() -> None:
    empty = Ranking.of(Query("q", "words"), [])
    [result] = Reranker(Numbers(), RerankSettings(fusion="none")).rerank([empty])  # type: ignore[arg-type]
    assert query_scores(result, {"d": 0, "e": -1}) is None
    scores = query_scores(result, {"d": 1})
    assert scores is not None and scores.ndcg("zscore", [0.0, 1.0]).tolist() == [0.0, 0.0]


def test_what_cannot_be_fitted_is_refused_with_the_reason() -> None:
    with pytest.raises(CorpusError, match="b: no query has a relevant document"):
        fit_fusion([noisy_set("a", 3, (1, 1), 0), SetScores("b", ())])
    same = query(np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([0.0, 1.0]))
    with pytest.raises(CorpusError, match="every weight gives the same"):
        fit_fusion([SetScores("a", (same, same))])
    for given in ({"tune_step": 0.3}, {"tune_step": 0.0}, {"tune_folds": 1}, {"tune_sample": 1}, {"tune_repeats": 0}):
        with pytest.raises(SettingsError):
            TuneSettings(**given)


def test_one_query_is_enough_to_say_that_nothing_is_known() -> None:
    one = noisy_set("a", 1, (0.5, 0.5), seed=3)
    fitted = fit_fusion([one], SETTINGS)
    assert 0.0 <= fitted.fusion.weight <= 1.0 and fitted.queries == 1
