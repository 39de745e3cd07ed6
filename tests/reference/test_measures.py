"""Our measures compared with pytrec_eval (trec_eval itself), scikit-learn and a published figure."""

import os
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from resift.rerank.evaluation.comparable import average_precision, ndcg
from resift.rerank.evaluation.measures import mean, per_query
from resift.retrieval.types import Qrels, Run

SHARED = Path(os.environ.get("RESIFT_SHARED", Path(__file__).parents[3] / "shared"))
DL19 = SHARED / "collections" / "dl19"

DOCS = [f"d{number}" for number in range(30)]
TIED_SCORES = st.integers(-3, 3).map(float)
QRELS = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]),
    st.dictionaries(st.sampled_from(DOCS), st.integers(0, 3), min_size=1),
    min_size=1,
)
RUNS = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.dictionaries(st.sampled_from(DOCS), TIED_SCORES, min_size=1)
)
LABELS_AND_SCORES = st.lists(st.tuples(st.integers(0, 1), TIED_SCORES), min_size=2, max_size=40).filter(
    lambda pairs: any(label for label, _ in pairs)
)


def read_qrels(path: Path) -> Qrels:
    qrels: Qrels = {}
    for query_id, _, doc_id, grade in map(str.split, path.read_text().splitlines()):
        qrels.setdefault(query_id, {})[doc_id] = int(grade)
    return qrels


def read_run(path: Path) -> Run:
    run: Run = {}
    for query_id, _, doc_id, _, score, _ in map(str.split, path.read_text().splitlines()):
        run.setdefault(query_id, {})[doc_id] = float(score)
    return run


@given(QRELS, RUNS)
def test_measures_of_every_query_equal_those_of_trec_eval_also_for_ties(qrels: Qrels, run: Run) -> None:
    oracle = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "map", "recall.100", "recip_rank"}).evaluate(run)
    ours = per_query(qrels, run)

    for query_id in qrels:
        theirs = oracle.get(query_id, {"ndcg_cut_10": 0.0, "map": 0.0, "recall_100": 0.0, "recip_rank": 0.0})
        first_in_ten = theirs["recip_rank"] if theirs["recip_rank"] > 1 / 10.5 else 0.0
        assert ours[query_id] == pytest.approx(
            {
                "ndcg@10": theirs["ndcg_cut_10"],
                "mrr@10": first_in_ten,
                "map": theirs["map"],
                "recall@100": theirs["recall_100"],
            }
        )


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30))
def test_measures_of_a_ranking_without_ties_equal_those_of_scikit_learn(grades: list[int]) -> None:
    scores = np.arange(len(grades), 0, -1)
    qrels = {"q": dict(zip(DOCS, grades, strict=False))}
    values = per_query(qrels, {"q": dict(zip(DOCS, scores.tolist(), strict=False))})["q"]
    relevant = np.array(grades) > 0

    assert values["ndcg@10"] == pytest.approx(ndcg_score([grades], [scores], k=10))
    assert values["map"] == pytest.approx(average_precision_score(relevant, scores) if relevant.any() else 0.0)


@given(LABELS_AND_SCORES)
def test_tie_averaged_ndcg_equals_that_of_scikit_learn(pairs: list[tuple[int, float]]) -> None:
    labels, scores = np.array([label for label, _ in pairs]), np.array([score for _, score in pairs])

    assert ndcg(labels, scores, 10) == pytest.approx(ndcg_score([labels], [scores], k=10), abs=1e-12)


@given(LABELS_AND_SCORES)
def test_tie_grouped_average_precision_equals_that_of_scikit_learn(pairs: list[tuple[int, float]]) -> None:
    labels, scores = np.array([label for label, _ in pairs]), np.array([score for _, score in pairs])

    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


@pytest.mark.shared
@pytest.mark.skipif(
    not DL19.is_dir(), reason=f"{DL19} does not exist; set RESIFT_SHARED to the folder that contains collections/"
)
def test_bm25_on_trec_dl_2019_has_the_ndcg_that_anserini_published() -> None:
    values = per_query(read_qrels(DL19 / "qrels" / "all.trec"), read_run(DL19 / "runs" / "bm25.trec"))

    assert len(values) == 43
    assert mean(values)["ndcg@10"] == pytest.approx(0.5058, abs=1e-4)
