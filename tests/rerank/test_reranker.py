"""The reranker rescores the window, fuses the scores and sorts; the pipeline joins it with the first stage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from resift.rerank.pipeline import Pipeline
from resift.rerank.reranker import Reranker, Reranking
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings, SearchSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Document, Hit, Query, Ranking

QUERY = Query("q1", "cat food")


class TableScorer:
    """Scores a document's text by a table; counts its calls."""

    def __init__(self, table: dict[str, float]) -> None:
        self.table, self.calls = table, 0

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.calls += 1
        logits = np.array([self.table[text] for _, text in pairs], dtype=np.float32)
        return Scores(logits, logits < -5, np.array([query == "long" for query, _ in pairs], dtype=bool))


class ListRetriever:
    """Returns the same hits for every query, at most `depth` of them."""

    language = "english"

    def __init__(self, hits: list[tuple[str, float]]) -> None:
        self.hits = hits

    def notes(self) -> list[str]:
        return []

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        return [ranking(query, self.hits).top(depth) for query in queries]


def ranking(query: Query, hits: list[tuple[str, float]]) -> Ranking:
    return Ranking.of(query, [Hit(Document(i, f"text {i}"), score) for i, score in hits])


def table(**logits: float) -> TableScorer:
    return TableScorer({f"text {i}": logit for i, logit in logits.items()})


def order(result: Ranking) -> list[tuple[str, float]]:
    return [(hit.document.doc_id, hit.score) for hit in result.hits]


def test_the_model_alone_decides_the_order_without_fusion() -> None:
    reranker = Reranker(table(a=-1.0, b=2.5, c=0.0), RerankSettings(fusion="none"))
    [result] = reranker.rerank([ranking(QUERY, [("a", 9.0), ("b", 8.0), ("c", 7.0)])])
    assert order(result.ranking) == [("b", 2.5), ("c", 0.0), ("a", -1.0)]
    assert order(result.first_stage) == [("a", 9.0), ("b", 8.0), ("c", 7.0)]
    assert result.logits == {"a": -1.0, "b": 2.5, "c": 0.0}


def test_hits_after_the_window_keep_their_order_below_it() -> None:
    reranker = Reranker(table(a=-1.0, b=2.0), RerankSettings(fusion="none", rank_window_size=2))
    [result] = reranker.rerank([ranking(QUERY, [("a", 9.0), ("b", 8.0), ("d", 1.0), ("c", 1.0), ("e", 0.5)])])
    assert [doc_id for doc_id, _ in order(result.ranking)] == ["b", "a", "d", "c", "e"]
    assert set(result.logits) == {"a", "b"}


def test_equal_logits_are_ordered_by_descending_doc_id() -> None:
    reranker = Reranker(table(a=1.0, b=1.0, c=1.0), RerankSettings(fusion="none"))
    [result] = reranker.rerank([ranking(QUERY, [("a", 3.0), ("b", 2.0), ("c", 1.0)])])
    assert order(result.ranking) == [("c", 1.0), ("b", 1.0), ("a", 1.0)]


def test_equal_logits_keep_the_order_of_the_first_stage_with_fusion() -> None:
    reranker = Reranker(table(a=1.0, b=1.0, c=1.0))
    [result] = reranker.rerank([ranking(QUERY, [("a", 3.0), ("b", 2.0), ("c", 1.0)])])
    assert [doc_id for doc_id, _ in order(result.ranking)] == ["a", "b", "c"]


@pytest.mark.parametrize(("a", "b"), [(0.5, 2.5), (2.5, 0.5)])
def test_the_model_decides_between_two_candidates_if_the_stages_disagree(a: float, b: float) -> None:
    [result] = Reranker(table(a=a, b=b)).rerank([ranking(QUERY, [("a", 9.1), ("b", 8.3)])])
    assert result.ranking.hits[0].document.doc_id == ("a" if a > b else "b")
    assert result.ranking.hits[0].score > result.ranking.hits[1].score


def test_all_queries_share_one_call_of_the_scorer() -> None:
    scorer = table(a=0.0, b=1.0)
    results = Reranker(scorer, RerankSettings(fusion="none")).rerank(
        [
            ranking(Query("q1", "x"), [("a", 2.0), ("b", 1.0)]),
            ranking(Query("q2", "y"), []),
            ranking(Query("q3", "z"), [("a", 1.0)]),
        ]
    )
    assert scorer.calls == 1
    assert [order(result.ranking) for result in results] == [[("b", 1.0), ("a", 0.0)], [], [("a", 0.0)]]


def test_a_window_of_zero_keeps_the_ranking_unchanged() -> None:
    [result] = Reranker(table(), RerankSettings(rank_window_size=0)).rerank([ranking(QUERY, [("a", 2.0), ("b", 1.0)])])
    assert [doc_id for doc_id, _ in order(result.ranking)] == ["a", "b"]


def test_truncated_documents_are_counted_and_truncated_queries_reported() -> None:
    reranker = Reranker(table(a=-9.0, b=1.0, c=-8.0))
    short, long = reranker.rerank(
        [ranking(QUERY, [("a", 2.0), ("b", 1.0)]), ranking(Query("q2", "long"), [("c", 1.0)])]
    )
    assert (short.truncated, short.query_truncated) == (1, False)
    assert (long.truncated, long.query_truncated) == (1, True)


def test_with_settings_keeps_the_scorer_and_all_other_settings() -> None:
    reranker = Reranker(table(a=-1.0, b=2.0), RerankSettings(fusion="none", template="{text}"))
    narrow = reranker.with_settings(rank_window_size=1)
    assert narrow.scorer is reranker.scorer
    assert narrow.settings == RerankSettings(fusion="none", template="{text}", rank_window_size=1)
    assert reranker.settings.rank_window_size == 100


def test_with_settings_refuses_an_unusable_value_and_an_unknown_name() -> None:
    with pytest.raises(SettingsError, match="window: -1 is below 0"):
        Reranker(table()).with_settings(rank_window_size=-1)
    with pytest.raises(TypeError, match="window"):
        Reranker(table()).with_settings(window=5)


def test_a_ranking_that_was_not_reranked_is_its_own_result_without_logits() -> None:
    before = ranking(QUERY, [("a", 2.0), ("b", 1.0)])
    assert Reranking.unchanged(before) == Reranking(before, before, {})


def test_inputs_are_not_changed() -> None:
    before = ranking(QUERY, [("a", 2.0), ("b", 1.0)])
    copy = ranking(QUERY, [("a", 2.0), ("b", 1.0)])
    Reranker(table(a=0.0, b=1.0)).rerank([before])
    assert before == copy


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"rank_window_size": -1}, "window"),
        ({"fusion": "rrf"}, "fusion"),
        ({"fusion_weight": 1.5}, "fusion_weight"),
        ({"fusion_weight": float("nan")}, "fusion_weight"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, object], field: str) -> None:
    with pytest.raises(SettingsError, match=field):
        RerankSettings(**settings)  # type: ignore[arg-type]


def test_a_pipeline_without_reranker_returns_the_first_stage() -> None:
    [result] = Pipeline(ListRetriever([("a", 2.0), ("b", 1.0)]), None).search([QUERY])
    assert result.ranking == result.first_stage
    assert result.logits == {}


def test_a_pipeline_reranks_only_the_hits_up_to_the_depth() -> None:
    pipeline = Pipeline(
        ListRetriever([("a", 3.0), ("b", 2.0), ("c", 1.0)]),
        Reranker(table(a=0.0, b=1.0), RerankSettings(fusion="none")),
    )
    [result] = pipeline.search([QUERY], depth=2)
    assert order(result.ranking) == [("b", 1.0), ("a", 0.0)]


def test_a_depth_below_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="depth"):
        SearchSettings(depth=0)
