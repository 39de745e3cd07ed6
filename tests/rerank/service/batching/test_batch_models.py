"""Models as the batcher runs them: the same scores as in one call, and alone whatever was asked with a pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.batching.batch_models import PredictorModel, ScorerModel, batch_model
from resift.rerank.service.batching.estimate import Rate, pair_tokens, probable_tokens
from resift.rerank.service.batching.job import Lane
from tests.rerank.scorers.small_models import save_family, sentences

PAIRS: list[Pair] = [(query, text) for query in ("cat food", "the price of bread") for text in sentences(20, seed=3)]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A small BERT on torch, in float32."""
    folder = save_family("bert", tmp_path_factory.mktemp("model"))
    found = load_scorer(str(folder), ScorerSettings(device="cpu", threads=1))
    assert isinstance(found, Predictor)
    return found


def scores_in(model: PredictorModel, order: list[int], most: int) -> NDArray[np.float32]:
    """Return the logits of `PAIRS`, (n,), in batches of up to `most` pairs that are taken in `order`."""
    prepared = model.prepare(PAIRS, None)
    logits = np.full(len(PAIRS), np.nan, dtype=np.float32)
    most = min(most, model.most_rows or most)
    for start in range(0, len(order), most):
        batch = order[start : start + most]
        logits[batch] = model.run([(prepared, row) for row in batch]).logits
    return logits


def test_by_itself_a_pair_has_exactly_the_same_score_whatever_was_asked_with_it(predictor: Predictor) -> None:
    model = PredictorModel(predictor, ScorerSettings(), alone=True)
    first = scores_in(model, list(range(len(PAIRS))), most=100)
    for seed, most in ((1, 1), (2, 3), (3, 100)):
        order = np.random.default_rng(seed).permutation(len(PAIRS)).tolist()
        assert scores_in(model, order, most).tolist() == first.tolist()
    assert first == pytest.approx(predictor.score(PAIRS).logits, abs=1e-5)


def test_in_any_batches_the_scores_are_those_of_one_call_up_to_rounding(predictor: Predictor) -> None:
    model = PredictorModel(predictor, ScorerSettings())
    order = np.random.default_rng(1).permutation(len(PAIRS)).tolist()
    assert scores_in(model, order, 7) == pytest.approx(predictor.score(PAIRS).logits, abs=1e-5)


def test_pairs_of_two_preparations_are_scored_in_one_batch(predictor: Predictor) -> None:
    model = PredictorModel(predictor, ScorerSettings())
    one, other = model.prepare(PAIRS[:3], None), model.prepare(PAIRS[3:5], None)
    together = model.run([(other, 1), (one, 0), (one, 2)])
    expected = predictor.score([PAIRS[4], PAIRS[0], PAIRS[2]])
    assert together.logits == pytest.approx(expected.logits, abs=1e-5)
    assert together.read_characters is not None and expected.read_characters is not None
    assert together.read_characters.tolist() == expected.read_characters.tolist()


def test_a_model_on_the_cpu_has_no_other_place_to_go(predictor: Predictor) -> None:
    assert PredictorModel(predictor, ScorerSettings()).on_cpu() is None


class Counting:
    """A scorer that is not a model of ours: a pair's logit is the length of its text."""

    def score(self, pairs: Sequence[Pair]) -> Scores:
        no = np.zeros(len(pairs), dtype=bool)
        return Scores(np.array([len(text) for _, text in pairs], dtype=np.float32), no, no)


def test_any_scorer_can_be_run_by_the_batcher() -> None:
    model = batch_model(Counting(), ScorerSettings())
    assert isinstance(model, ScorerModel)
    prepared = model.prepare([("q", "one"), ("q", "three")], None)
    scores = model.run([(prepared, 1), (prepared, 0)])
    assert scores.logits.tolist() == [5.0, 3.0] and scores.read_characters is None


def test_empty_texts_take_a_token_of_any_scorer() -> None:
    assert batch_model(Counting(), ScorerSettings()).prepare([("", "")], None).lengths.tolist() == [1]


def test_the_tokens_of_finished_requests_correct_the_next_estimates() -> None:
    lane = Lane(batch_model(Counting(), ScorerSettings()), "counting:1")
    assert lane.ratio == 1.0
    for _ in range(300):
        lane.learn(1000, 1500)
    assert lane.ratio == pytest.approx(1.5, rel=0.01)


def test_tokens_are_estimated_by_bytes() -> None:
    assert [probable_tokens(text) for text in ("", "a", "abcd", "abcde", "日本語", "\ud800")] == [0, 1, 1, 2, 3, 1]


def test_a_long_document_costs_as_many_windows_as_passages_are_read_of_it() -> None:
    assert pair_tokens(10, [50, 5000], window=256, passages=1) == [63, 256]
    assert pair_tokens(10, [50, 5000], window=256, passages=4) == [63, 1024]
    assert pair_tokens(10, [300], window=256, passages=4) == [326]


def test_the_rate_follows_the_last_batches() -> None:
    rate = Rate(100.0)
    for _ in range(200):
        rate.measure(1000, 1.0)
    assert rate.tokens_per_second == pytest.approx(1000, rel=1e-3)
    rate.measure(0, 1.0)
    rate.measure(5, 0.0)
    assert rate.seconds(2000) == pytest.approx(2.0, rel=1e-3)


def test_a_first_batch_of_few_tokens_hardly_changes_the_rate() -> None:
    rate = Rate(20_000.0)
    rate.measure(10, 0.007)
    assert rate.tokens_per_second > 19_000
