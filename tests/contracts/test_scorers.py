"""What every row of the scorer registry does: the same sentences on each backend and on each model of the package."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resift.rerank.scorer import Pair, Scorer, Scores
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.registry import BACKENDS, DEFAULT_MODEL, MODELS, REMOTE
from resift.rerank.scorers.settings import ScorerSettings
from tests.contracts.protocols import differences, load_class
from tests.contracts.scorer_rows import TOLERANCE, WEIGHTS, Model
from tests.rerank.scorers.small_models import save_family, sentences

QUERIES = ("cat food", "the price of bread in summer", "music?")
PAIRS = [(query, text) for query in QUERIES for text in sentences(12, seed=3)]
"""36 pairs with documents of 3 to 40 words."""


def shapes(scores: Scores) -> list[tuple[str, tuple[int, ...]]]:
    """Return the dtype and the shape of each array."""
    arrays: list[Any] = [scores.logits, scores.truncated, scores.query_truncated]
    return [(str(array.dtype), array.shape) for array in arrays if isinstance(array, np.ndarray)]


def near(scores: Scores) -> object:
    return pytest.approx(scores.logits, abs=TOLERANCE)


def test_every_backend_has_a_test_factory_and_no_factory_is_left_over() -> None:
    assert set(WEIGHTS) == set(BACKENDS), "add or remove a row of WEIGHTS in tests/contracts/scorer_rows.py"
    assert DEFAULT_MODEL in MODELS


@pytest.mark.parametrize("target", [*BACKENDS.values(), REMOTE])
def test_the_class_of_a_backend_has_what_the_protocol_declares(target: str) -> None:
    found = load_class(target)
    assert differences(found, Scorer) == []
    assert issubclass(found, RankingModel)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_takes_a_folder_settings_and_a_name_and_has_that_name(backend: str, small_model: Path) -> None:
    found = load_class(BACKENDS[backend])(small_model, ScorerSettings(device="cpu"), "mine")
    assert found.name == "mine"
    assert type(Model(str(small_model), backend).load()) is type(found)


def test_a_model_has_the_name_that_the_user_gave_it(model: Model, scorer: RankingModel) -> None:
    assert scorer.name == model.name


def test_there_is_one_finite_float32_logit_for_each_pair_and_two_flags(scorer: RankingModel) -> None:
    scores = scorer.score(PAIRS)
    assert shapes(scores) == [("float32", (36,)), ("bool", (36,)), ("bool", (36,))]
    assert np.isfinite(scores.logits).all()
    assert len(set(scores.logits.tolist())) == len(PAIRS)


def test_no_pairs_give_empty_arrays(scorer: RankingModel) -> None:
    for nothing in (list[Pair](), tuple[Pair, ...]()):
        assert shapes(scorer.score(nothing)) == [("float32", (0,)), ("bool", (0,)), ("bool", (0,))]


def test_scores_follow_their_pairs_into_any_order(scorer: RankingModel) -> None:
    scores = scorer.score(PAIRS)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(PAIRS))
        shuffled = scorer.score([PAIRS[place] for place in order])
        assert shuffled.logits == pytest.approx(scores.logits[order], abs=TOLERANCE)
        assert shuffled.truncated.tolist() == scores.truncated[order].tolist()


def test_a_pair_scores_alone_what_it_scores_among_others(model: Model, scorer: RankingModel) -> None:
    together = scorer.score(PAIRS)
    assert np.array([scorer.score([pair]).logits[0] for pair in PAIRS]) == near(together)
    for batch_tokens in (1, 200, 100_000):
        assert model.load(batch_tokens=batch_tokens).score(PAIRS).logits == near(together)


def test_equal_pairs_score_exactly_alike(scorer: RankingModel) -> None:
    scores = scorer.score([PAIRS[0], PAIRS[1], PAIRS[0], PAIRS[2], PAIRS[0]]).logits
    assert scores[0] == scores[2] == scores[4] != scores[1]


def test_query_and_document_are_not_interchangeable(scorer: RankingModel) -> None:
    scores = scorer.score([("cat food", "river bridge"), ("river bridge", "cat food")]).logits
    assert abs(scores[0] - scores[1]) > 100 * TOLERANCE


def test_the_same_pairs_twice_score_exactly_alike(scorer: RankingModel) -> None:
    assert scorer.score(PAIRS).logits.tolist() == scorer.score(PAIRS).logits.tolist()


def test_eight_threads_get_what_one_gets(scorer: RankingModel) -> None:
    jobs = [[(query, text) for text in sentences(6, seed)] for seed in range(8) for query in QUERIES]
    alone = [scorer.score(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(scorer.score, jobs), strict=True):
            assert other.logits == near(one)
            assert other.truncated.tolist() == one.truncated.tolist()


def test_a_slice_of_the_scores_has_the_scores_of_those_pairs(scorer: RankingModel) -> None:
    scores = scorer.score(PAIRS)
    assert scores[5:9].logits.tolist() == scores.logits.tolist()[5:9]
    assert scores[5:9].truncated.tolist() == scores.truncated.tolist()[5:9]


def test_predict_gives_the_logits_or_their_sigmoid(scorer: RankingModel) -> None:
    logits = scorer.score(PAIRS).logits
    plain, squeezed = (scorer.predict(PAIRS, activation=name) for name in ("identity", "sigmoid"))
    assert plain.dtype == squeezed.dtype == np.float32
    assert plain.tolist() == logits.tolist()
    assert squeezed == pytest.approx(1 / (1 + np.exp(-logits.astype(np.float64))), abs=1e-6)


def test_rank_orders_documents_by_descending_logit_and_keeps_the_order_of_equal_ones(scorer: RankingModel) -> None:
    documents = [*sentences(8, seed=5), "cat food", "river", "cat food"]
    logits = scorer.score([("cat", text) for text in documents]).logits.tolist()
    found = [row["corpus_id"] for row in scorer.rank("cat", documents)]
    assert found == sorted(range(len(documents)), key=lambda place: (-logits[place], place))
    assert [row["text"] for row in scorer.rank("cat", documents, top_n=2, return_documents=True)] == [
        documents[place] for place in found[:2]
    ]


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_all_backends_give_the_same_scores_of_the_same_weights(family: str, tmp_path: Path) -> None:
    folder = save_family(family, tmp_path)
    for add_weights in WEIGHTS.values():
        add_weights(folder)
    first, *others = (Model(str(folder), backend).load(max_length=48).score(PAIRS) for backend in WEIGHTS)
    assert np.ptp(first.logits) > 0.1 and first.truncated.any() and not first.truncated.all()
    for other in others:
        assert other.logits == near(first)
        assert other.truncated.tolist() == first.truncated.tolist()
        assert other.query_truncated.tolist() == first.query_truncated.tolist()


def test_default_is_the_name_of_a_model_of_the_package() -> None:
    offline = ScorerSettings(offline=True, device="cpu")
    default, named = (load_scorer(name, offline).score(PAIRS[:4]) for name in ("default", DEFAULT_MODEL))
    assert default.logits.tolist() == named.logits.tolist()
