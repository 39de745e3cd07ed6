"""Hits that a search puts above all others keep their places; ordinary scores are never mistaken for such hits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.counts import Counts
from resift.rerank.promotion import count_promoted
from resift.rerank.reranker import Known, Reranker
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError
from tests.rerank.ranked import TableScorer, ids, ranking

PINNED = (1.7014122e38, 1.7014124e38)  # the scores of two hits of Elasticsearch's pinned query
SCORER = {"x": -4.0, "y": -3.0, "z": 2.0, "w": 5.0}


@pytest.mark.parametrize("fusion", ["zscore", "none"])
def test_pinned_hits_keep_their_places_whatever_the_model_says(fusion: str) -> None:
    before = ranking(("b", "x", PINNED[0]), ("a", "y", PINNED[1]), ("c", "z", 9.0), ("d", "w", 8.0))
    [result] = Reranker(TableScorer(**SCORER), RerankSettings(fusion=fusion)).rerank([before])
    assert ids(result.ranking) == ["a", "b", "d", "c"]
    assert result.promoted == 2
    assert set(result.logits) == {"c", "d"}


def test_promoted_hits_do_not_change_the_scores_of_the_others() -> None:
    scorer = TableScorer(**SCORER)
    others = (("c", "z", 9.0), ("d", "w", 8.0), ("e", "y", 3.0))
    with_promoted, without = ranking(("a", "x", 1009.0), *others), ranking(*others)
    [first], [second] = (Reranker(scorer).rerank([one]) for one in (with_promoted, without))
    assert first.ranking.hits[1:] == second.ranking.hits
    assert "x" not in scorer.read


def test_promoted_hits_are_scored_if_the_setting_is_off() -> None:
    before = ranking(("a", "x", PINNED[0]), ("c", "z", 9.0), ("d", "w", 8.0))
    reranker = Reranker(TableScorer(**SCORER), RerankSettings(keep_promoted=False, fusion="none"))
    [result] = reranker.rerank([before], [Known(promoted=1)])
    assert (ids(result.ranking), result.promoted) == (["d", "c", "a"], 0)


def test_a_ranking_of_only_pinned_hits_keeps_its_order_and_scores() -> None:
    before = ranking(("a", "x", PINNED[0]), ("b", "w", PINNED[1]))
    [result] = Reranker(TableScorer(**SCORER)).rerank([before])
    assert (result.ranking, result.promoted, result.logits) == (before, 2, {})


def test_hits_that_the_caller_knows_to_be_promoted_keep_their_places() -> None:
    first, second = ranking(("a", "x", 9.0), ("c", "z", 8.9), ("d", "w", 8.8)), ranking(("a", "x", 9.0), ("d", "w", 8))
    results = Reranker(TableScorer(**SCORER)).rerank([first, second], [Known(promoted=1), Known()])
    assert [(ids(result.ranking), result.promoted) for result in results] == [(["a", "d", "c"], 1), (["d", "a"], 0)]


def test_at_most_the_window_is_promoted() -> None:
    before = ranking(("a", "x", PINNED[1]), ("b", "y", PINNED[0]), ("c", "z", 9.0))
    [result] = Reranker(TableScorer(), RerankSettings(rank_window_size=1)).rerank([before])
    assert (ids(result.ranking), result.promoted) == (["a", "b", "c"], 1)


def test_as_many_entries_as_rankings_are_expected() -> None:
    with pytest.raises(SettingsError, match="2 entries for 1 rankings"):
        Reranker(TableScorer()).rerank([ranking()], [Known(), Known()])


def test_promoted_hits_are_counted_and_noted() -> None:
    counts = Counts()
    counts.add(Reranker(TableScorer(**SCORER)).rerank([ranking(("a", "x", PINNED[0]), ("c", "z", 9.0))]))
    assert counts.promoted == 1
    assert counts.notes() == [
        "note: 1 promoted hit kept above all others, not scored (`keep_promoted=False` scores them)"
    ]


@pytest.mark.parametrize(
    ("scores", "promoted"),
    [
        ([*reversed(PINNED), 14.2, 9.0], 2),
        ([PINNED[0], 1012.5, 12.5, 3.0], 2),  # a pinned hit, then one boosted by 1000
        ([1012.5, 12.5, 3.0], 1),
        ([1012.5, 0.0, 0.0], 1),  # filters alone score 0
        ([5e6, 5e6, 5e6, 8.0], 3),
        ([1.0e38, 3.0], 1),
        ([float("inf"), 3.0], 1),
    ],
)
def test_scores_out_of_all_proportion_are_promotions(scores: list[float], promoted: int) -> None:
    assert count_promoted(scores, "copy a folder") == promoted


@pytest.mark.parametrize(
    "scores",
    [
        [],
        [14.2],
        [1012.5],  # nothing to compare with
        [1012.5] * 20,
        [1012.5] * 40 + [12.5] * 60,  # a preference for many documents, within which one reranks
        [14.2, 0.0004, 0.0003],  # a rare word in one document, a word of all documents in the others
        [120.0, 4.0, 1.0],  # a title with a boost of 10
        [0.0, 0.0],
        [-1.0, -2.0, -900.0],
        [3.0, -5.0],
        [0.0164, 0.0161],  # reciprocal rank fusion
        [0.999, 1e-9, 1e-12],  # probabilities
        [1.0, 0.0],  # cosines
        [11.0, -11.0],  # logits
        [1700000002.0, 1700000001.0, 1600000000.0],  # times
        [100.0 - rank for rank in range(100)],
        [950.0, 310.0, 35.0, 1.0],  # long lists of words
    ],
)
def test_ordinary_scores_are_not_promotions(scores: list[float]) -> None:
    assert count_promoted(scores, "copy a folder") == 0


def test_a_long_query_may_have_large_scores() -> None:
    assert count_promoted([2900.0, 60.0, 50.0], "word " * 500) == 0
    assert count_promoted([2900.0, 60.0, 50.0], "文件夹" * 50) == 0
    assert count_promoted([2900.0, 60.0, 50.0], "three short words") == 1


@given(st.lists(st.floats(-499.0, 499.0), max_size=20))
def test_no_list_of_scores_below_the_least_is_a_promotion(scores: list[float]) -> None:
    assert count_promoted(sorted(scores, reverse=True), "soup") == 0
