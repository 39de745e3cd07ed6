"""Comparable mode on one small set that can be computed by hand."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.indexer.corpora import JudgedCollection
from resift.rerank.counts import Counts
from resift.rerank.evaluation.comparable import evaluate_comparable, first_stage_measures, measure, read_samples
from resift.rerank.evaluation.experiment import COMPARABLE
from resift.rerank.scorer import Pair, Scores
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document, Query


def letters() -> Iterator[Document]:
    return (Document(letter, letter * 3, title="a title") for letter in "abcd")


SMALL = JudgedCollection(
    "Small", letters, [Query("q", "question")], {"q": {"b": 1, "d": 2}}, "test", {"q": ["a", "b", "c"]}
)
"""Four documents, one query; the stored ranking lacks the relevant document d."""


class Recorded:
    """A scorer with a given logit for each text, which records the pairs."""

    def __init__(self, logits: Mapping[str, float]) -> None:
        self.by_text = logits
        self.pairs: list[Pair] = []

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.pairs.extend(pairs)
        logits = np.array([self.by_text[text] for _, text in pairs], dtype=np.float32)
        long = np.array([text in ("aaa", "ddd") for _, text in pairs], dtype=np.bool_)
        return Scores(logits, long, long)


def test_missing_positive_is_scored_and_titles_are_not_read() -> None:
    scorer = Recorded({"aaa": 3.0, "bbb": 4.0, "ccc": 1.0, "ddd": 2.0})
    result = evaluate_comparable(SMALL, scorer, 100, sigmoid=False)

    assert scorer.pairs == [("question", "bbb"), ("question", "ddd"), ("question", "aaa"), ("question", "ccc")]
    assert result.mode == COMPARABLE
    assert result.runs == ({"q": {"a": 3.0, "b": 2.0, "c": 1.0}}, {"q": {"b": 4.0, "d": 2.0, "a": 3.0, "c": 1.0}})
    best = 1 + 1 / math.log2(3)
    assert result.first_stage["q"] == pytest.approx(
        {"ndcg@10": (1 / math.log2(3) + 1 / math.log2(5)) / best, "mrr@10": 0.5, "map": 0.5, "recall@100": 1.0}
    )
    assert result.reranked["q"] == pytest.approx(
        {"ndcg@10": 1.5 / best, "mrr@10": 1.0, "map": (1 + 2 / 3) / 2, "recall@100": 1.0}
    )
    assert result.counts == Counts(queries=1, hits=4, scored=4, truncated=2, queries_truncated=1)
    assert result.ceiling == {"ndcg@10": 1.0, "mrr@10": 1.0, "map": 1.0, "recall@100": 1.0}


def test_only_the_first_stored_documents_up_to_the_depth_are_candidates() -> None:
    (sample,) = read_samples(SMALL, depth=1)

    assert (list(sample.stored), list(sample.relevant), list(sample.others)) == (["a"], ["b", "d"], ["a"])


def test_first_stage_that_finds_nothing_relevant_scores_zero() -> None:
    (sample,) = read_samples(SMALL, depth=1)

    assert first_stage_measures(sample) == {"ndcg@10": 0.0, "mrr@10": 0.0, "map": 0.0, "recall@100": 0.0}


def test_stored_document_with_the_text_of_a_positive_counts_as_that_positive() -> None:
    def twins() -> Iterator[Document]:
        return (Document(letter, "same" if letter in "ab" else letter) for letter in "abcd")

    (sample,) = read_samples(replace(SMALL, documents=twins), depth=100)

    assert list(sample.others) == ["c"]
    assert first_stage_measures(sample)["mrr@10"] == 1.0


def test_sigmoid_in_float32_makes_large_logits_equal() -> None:
    scorer = Recorded({"aaa": 40.0, "bbb": 50.0, "ccc": -200.0, "ddd": 60.0})

    assert evaluate_comparable(SMALL, scorer, 100, sigmoid=False).reranked["q"]["map"] == 1.0
    assert evaluate_comparable(SMALL, scorer, 100, sigmoid=True).reranked["q"]["map"] == pytest.approx(2 / 3)


def test_query_without_a_positive_scores_zero() -> None:
    scorer = Recorded({"aaa": 3.0, "bbb": 2.0, "ccc": 1.0})
    result = evaluate_comparable(replace(SMALL, qrels={"q": {}}), scorer, 100, sigmoid=False)

    assert result.means == (dict.fromkeys(result.ceiling, 0.0), dict.fromkeys(result.ceiling, 0.0))


def test_set_without_a_stored_ranking_is_refused() -> None:
    nothing: tuple[dict[str, list[str]] | None, ...] = (None, {})
    for first_stage in nothing:
        with pytest.raises(CorpusError, match="no stored BM25 ranking"):
            read_samples(replace(SMALL, first_stage=first_stage), depth=100)


@pytest.mark.parametrize(("first_stage", "missing"), [({"q": ["nowhere"]}, "nowhere"), ({"unknown": ["a"]}, "unknown")])
def test_stored_ranking_with_an_unknown_query_or_document_is_refused(
    first_stage: dict[str, list[str]], missing: str
) -> None:
    with pytest.raises(CorpusError, match=missing):
        read_samples(replace(SMALL, first_stage=first_stage), depth=100)


def test_nan_score_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        evaluate_comparable(SMALL, Recorded({"aaa": math.nan, "bbb": 2.0, "ccc": 1.0, "ddd": 0.0}), 100, sigmoid=False)


def test_candidates_that_are_all_tied_share_the_gain() -> None:
    values = measure(np.array([1, 0, 0, 0]), np.zeros(4))
    mean_discount = sum(1 / math.log2(rank + 1) for rank in range(1, 5)) / 4

    assert (values["ndcg@10"], values["map"]) == pytest.approx((mean_discount, 1 / 4))


@given(st.lists(st.integers(0, 1), min_size=1, max_size=130))
def test_relevant_documents_first_is_perfect(labels: list[int]) -> None:
    values = measure(np.array(labels), np.array(labels, dtype=np.float32))
    perfect = float(any(labels))

    assert [values[name] for name in ("ndcg@10", "mrr@10", "map")] == pytest.approx([perfect] * 3)
    assert values["recall@100"] == pytest.approx(perfect * min(1.0, 100 / max(1, sum(labels))))
