"""The two stages together, and what is refused in place of a stage or a query."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resift.indexer.bm25.build import build_index
from resift.rerank.pipeline import QUERIES_PER_BATCH, Pipeline
from resift.rerank.reranker import Reranker
from resift.rerank.scorer import Pair, Scores
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.registry import open_retriever
from resift.retrieval.retriever import Retriever
from resift.retrieval.types import Document, Query


class Longest:
    """A scorer whose logit is the length of the document, in characters."""

    def score(self, pairs: Sequence[Pair]) -> Scores:
        no = np.zeros(len(pairs), dtype=np.bool_)
        return Scores(np.array([len(text) for _, text in pairs], dtype=np.float32), no, no)


@pytest.fixture
def retriever(tmp_path: Path) -> Retriever:
    texts = ["soup", "soup and bread", "soup of the day with bread", "tea"]
    build_index([Document(str(n), text) for n, text in enumerate(texts)], tmp_path / "index")
    return open_retriever(f"bm25:{tmp_path / 'index'}")


def test_the_candidates_of_the_first_stage_are_reordered_by_the_model(retriever: Retriever) -> None:
    model_alone = Reranker(Longest(), RerankSettings(fusion="none"))
    [result] = Pipeline(retriever, model_alone).search([Query("q", "soup")])
    assert [hit.document.doc_id for hit in result.first_stage.hits] == ["0", "1", "2"]
    assert [(hit.document.doc_id, hit.score) for hit in result.ranking.hits] == [("2", 26.0), ("1", 14.0), ("0", 4.0)]


def test_without_a_reranker_results_keep_the_order_of_the_first_stage(retriever: Retriever) -> None:
    [result] = Pipeline(retriever, None).search([Query("q", "soup")], depth=2)
    assert result.ranking == result.first_stage and result.logits == {}
    assert [hit.document.doc_id for hit in result.ranking.hits] == ["0", "1"]


def test_a_stream_gives_the_same_results_as_a_search_in_the_same_order(retriever: Retriever) -> None:
    pipeline = Pipeline(retriever, Reranker(Longest()))
    queries = [Query(str(n), "soup" if n % 2 else "bread") for n in range(2 * QUERIES_PER_BATCH + 3)]
    assert list(pipeline.stream(queries)) == pipeline.search(queries)


@pytest.mark.parametrize("queries", ["soup", Query("q", "soup"), ["soup"], [Query("q", "soup"), None], iter(()), 5])
def test_anything_but_a_list_of_queries_is_refused(retriever: Retriever, queries: Any) -> None:
    pipeline = Pipeline(retriever, None)
    for search in (pipeline.search, lambda given: list(pipeline.stream(given))):
        with pytest.raises(SettingsError, match=r"expected .*Query\(query_id, text\)") as caught:
            search(queries)
        assert caught.value.field == "queries"


def test_what_is_not_a_stage_is_refused_at_once(retriever: Retriever) -> None:
    anything: Any = "default"
    for build, field in (
        (lambda: Pipeline(anything, None), "retriever"),
        (lambda: Pipeline(retriever, anything), "reranker"),
        (lambda: Reranker(anything), "scorer"),
    ):
        with pytest.raises(SettingsError, match="^[a-z]+: 'default' is not a [a-z]+; expected ") as caught:
            build()
        assert caught.value.field == field
