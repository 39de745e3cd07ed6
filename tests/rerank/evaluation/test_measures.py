"""Measures of runs that are small enough to be computed by hand."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.evaluation.measures import MEASURES, ceiling, mean, per_query
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Qrels, Run

DOCS = st.sampled_from("abcdefgh")
RUNS = st.dictionaries(DOCS, st.floats(-2, 2, width=16), max_size=8)
GRADES = st.dictionaries(DOCS, st.integers(-1, 3), min_size=1)


def test_worked_example_of_graded_judgements() -> None:
    qrels: Qrels = {"q": {"a": 3, "b": 0, "c": 1, "d": 2}}
    run: Run = {"q": {"b": 4.0, "a": 3.0, "x": 2.0, "c": 1.0}}
    gain = 3 / math.log2(3) + 1 / math.log2(5)
    best = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)

    assert per_query(qrels, run)["q"] == pytest.approx(
        {"ndcg@10": gain / best, "mrr@10": 1 / 2, "map": (1 / 2 + 2 / 4) / 3, "recall@100": 2 / 3}
    )


def test_every_measure_breaks_ties_by_doc_id_descending() -> None:
    tied: Run = {"q": {"a": 1.0, "b": 1.0}}

    for relevant, rank in (("b", 1), ("a", 2)):
        values = per_query({"q": {relevant: 1}}, tied)["q"]
        assert values == pytest.approx(
            {"ndcg@10": 1 / math.log2(rank + 1), "mrr@10": 1 / rank, "map": 1 / rank, "recall@100": 1.0}
        )


def test_scores_that_differ_only_beyond_float32_are_not_tied() -> None:
    values = per_query({"q": {"a": 1}}, {"q": {"a": 1.0 + 1e-12, "b": 1.0}})["q"]

    assert values == {"ndcg@10": 1.0, "mrr@10": 1.0, "map": 1.0, "recall@100": 1.0}


def test_query_missing_from_run_counts_as_zero() -> None:
    qrels: Qrels = {"found": {"a": 1}, "missing": {"a": 1}, "without hits": {"a": 1}}
    values = per_query(qrels, {"found": {"a": 1.0}, "without hits": {}})

    assert list(values) == ["found", "missing", "without hits"]
    assert [row["ndcg@10"] for row in values.values()] == [1.0, 0.0, 0.0]
    assert mean(values) == pytest.approx(dict.fromkeys(MEASURES, 1 / 3))


def test_query_without_a_relevant_document_counts_as_zero() -> None:
    qrels: Qrels = {"found": {"a": 1}, "none relevant": {"a": 0, "b": -1}, "no judgement": {}}
    values = per_query(qrels, {query_id: {"a": 2.0, "b": 1.0} for query_id in qrels})

    assert mean(values) == pytest.approx(dict.fromkeys(MEASURES, 1 / 3))


def test_query_that_is_not_judged_is_left_out() -> None:
    assert list(per_query({"q": {"a": 1}}, {"q": {"a": 1.0}, "other": {"a": 1.0}})) == ["q"]


def test_negative_grade_counts_as_zero() -> None:
    run: Run = {"q": {"bad": 2.0, "good": 1.0}}

    assert per_query({"q": {"good": 1, "bad": -2}}, run) == per_query({"q": {"good": 1, "bad": 0}}, run)


def test_map_goes_beyond_the_cutoffs_of_the_others() -> None:
    run: Run = {"q": {f"{rank:03}": 200.0 - rank for rank in range(1, 151)}}
    values = per_query({"q": {"011": 1, "101": 1}}, run)["q"]

    assert values == pytest.approx({"ndcg@10": 0.0, "mrr@10": 0.0, "map": (1 / 11 + 2 / 101) / 2, "recall@100": 1 / 2})


def test_nan_score_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        per_query({"q": {"a": 1}}, {"q": {"a": math.nan}})


def test_mean_without_a_judged_query_is_refused() -> None:
    with pytest.raises(CorpusError, match="no query is judged"):
        mean({})


def test_ceiling_is_the_mean_of_the_same_candidates_in_the_best_order() -> None:
    qrels: Qrels = {"q": {"a": 2, "b": 1, "not found": 1}, "missing": {"a": 1}}
    run: Run = {"q": {"x": 3.0, "b": 2.0, "a": 1.0}}
    best = 2 + 1 / math.log2(3)

    assert ceiling(qrels, run) == pytest.approx(
        {"ndcg@10": best / (best + 1 / 2) / 2, "mrr@10": 1 / 2, "map": 2 / 3 / 2, "recall@100": 2 / 3 / 2}
    )


@given(GRADES, RUNS)
def test_values_lie_between_zero_and_the_ceiling(grades: dict[str, int], scores: dict[str, float]) -> None:
    qrels, run = {"q": grades}, {"q": scores}
    values, best = per_query(qrels, run)["q"], ceiling(qrels, run)

    assert all(0.0 <= values[name] <= best[name] + 1e-12 <= 1.0 + 2e-12 for name in MEASURES)


@given(GRADES, RUNS, st.floats(0.5, 8, width=16), st.floats(-8, 8, width=16))
def test_only_the_order_of_scores_matters(
    grades: dict[str, int], scores: dict[str, float], factor: float, shift: float
) -> None:
    moved = {doc_id: score * factor + shift for doc_id, score in scores.items()}

    assert per_query({"q": grades}, {"q": moved}) == per_query({"q": grades}, {"q": scores})


@given(GRADES, RUNS, st.randoms())
def test_order_of_the_documents_in_a_run_does_not_matter(
    grades: dict[str, int], scores: dict[str, float], random: Random
) -> None:
    items = list(scores.items())
    random.shuffle(items)

    assert per_query({"q": grades}, {"q": dict(items)}) == per_query({"q": grades}, {"q": scores})
