"""What follows from a search's size is fixed before the size is enlarged."""

from __future__ import annotations

from typing import Any

import pytest

from resift.rerank.plugin.size_defaults import (
    largest_window,
    matches_follow_size,
    order_follows_size,
    page_size,
    with_size,
)

KNN: dict[str, Any] = {"field": "v", "query_vector": [1.0, 0.0]}
MATCH: dict[str, Any] = {"match": {"a": "b"}}
STANDARD: dict[str, Any] = {"standard": {"query": MATCH}}


def numbers(k: int, candidates: int) -> dict[str, Any]:
    return {**KNN, "k": k, "num_candidates": candidates}


@pytest.mark.parametrize(
    ("given", "size", "expected"),
    [
        (KNN, 4, numbers(4, 6)),
        (KNN, 5, numbers(5, 8)),  # Java rounds 7.5 up
        (KNN, 9_000, numbers(9_000, 10_000)),
        ({**KNN, "num_candidates": 30}, 4, numbers(4, 30)),
        ({**KNN, "num_candidates": 3}, 4, numbers(4, 3)),  # which the engine refuses, as without the wrapper
        ({**KNN, "k": 7}, 4, {**KNN, "k": 7}),
    ],
)
def test_a_knn_search_finds_as_many_neighbours_as_hits_were_requested(given: Any, size: int, expected: Any) -> None:
    assert with_size({"knn": given}, size, 100).get("knn", given) == expected
    assert with_size({"knn": [given]}, size, 100)["knn"] == [expected]


def test_a_knn_query_anywhere_in_a_request_gets_its_numbers() -> None:
    deep = {"nested": {"path": "p", "query": {"function_score": {"query": {"knn": KNN}}}}}
    request = {
        "query": {"bool": {"must": [MATCH, deep], "filter": {"knn": {**KNN, "num_candidates": 3}}}},
        "post_filter": {"knn": KNN},
        "aggs": {"near": {"filter": {"knn": KNN}}},
    }
    assert with_size(request, 4, 100) == {
        "from": 0,
        "size": 100,
        "query": {
            "bool": {
                "must": [
                    MATCH,
                    {"nested": {"path": "p", "query": {"function_score": {"query": {"knn": numbers(4, 6)}}}}},
                ],
                "filter": {"knn": numbers(3, 3)},
            }
        },
        "post_filter": {"knn": numbers(4, 6)},
        "aggs": {"near": {"filter": {"knn": numbers(4, 6)}}},
    }


def test_a_request_without_knn_is_not_copied() -> None:
    opensearch = {"bool": {"should": [MATCH, {"knn": {"v": {"vector": [1.0], "k": 5}}}]}}
    assert with_size({"query": opensearch, "aggs": {}}, 4, 100) == {"from": 0, "size": 100}


def test_a_retriever_that_combines_others_gives_its_own_window_to_a_knn_query_below_it() -> None:
    inner = {"standard": {"query": {"knn": KNN}}}
    assert with_size({"retriever": inner}, 4, 100)["retriever"] == {"standard": {"query": {"knn": numbers(4, 6)}}}
    for own, expected in (({}, numbers(10, 15)), ({"rank_window_size": 20}, numbers(20, 30))):
        made = with_size({"retriever": {"rrf": {"retrievers": [STANDARD, inner], **own}}}, 4, 100)["retriever"]
        assert made == {
            "rrf": {"retrievers": [STANDARD, {"standard": {"query": {"knn": expected}}}], "rank_window_size": 100}
        }


@pytest.mark.parametrize(
    ("request_", "size"),
    [
        ({}, 10),
        ({"size": 3}, 3),
        ({"size": "3"}, 3),
        ({"retriever": STANDARD}, 10),
        ({"retriever": {"rrf": {"retrievers": [STANDARD], "rank_window_size": 50}}}, 50),
        ({"retriever": {"rescorer": {"retriever": STANDARD, "rescore": {"window_size": 15}}}}, 15),
    ],
)
def test_the_size_of_a_page_is_the_window_of_the_retriever_unless_it_is_given(request_: Any, size: int) -> None:
    assert page_size(request_) == size


@pytest.mark.parametrize(
    ("retriever", "limit"),
    [
        (STANDARD, None),
        ({"rrf": {"retrievers": [STANDARD]}}, None),
        ({"rescorer": {"retriever": STANDARD, "rescore": [{"window_size": 50}, {"query": {}}]}}, 10),
        ({"text_similarity_reranker": {"retriever": STANDARD, "field": "a"}}, 10),
        (
            {"rrf": {"retrievers": [STANDARD, {"rescorer": {"retriever": STANDARD, "rescore": {"window_size": 30}}}]}},
            30,
        ),
    ],
)
def test_the_window_of_a_model_or_a_rescorer_in_the_engine_is_not_enlarged(retriever: Any, limit: int | None) -> None:
    assert largest_window({"retriever": retriever}) == limit


@pytest.mark.parametrize(
    ("request_", "order", "matches"),
    [
        ({"query": MATCH}, False, False),
        ({"query": MATCH, "collapse": {"field": "a"}, "post_filter": MATCH, "min_score": 1}, False, False),
        ({"query": MATCH, "rescore": {"query": {}}}, True, False),
        ({"query": MATCH, "terminate_after": 5}, True, False),
        ({"query": {"bool": {"should": [{"knn": KNN}]}}}, True, False),
        ({"query": {"hybrid": {"queries": [MATCH]}}}, True, False),
        ({"retriever": STANDARD}, True, False),
        ({"query": {"semantic": {"field": "a", "query": "b"}}}, True, True),
        ({"retriever": {"rrf": {"retrievers": [{"standard": {"query": {"knn": KNN}}}]}}}, True, True),
        ({"retriever": {"standard": {"query": {"knn": KNN}}}}, True, False),
    ],
)
def test_requests_whose_own_order_or_matches_follow_their_size_are_known(
    request_: Any, order: bool, matches: bool
) -> None:
    assert (order_follows_size(request_), matches_follow_size(request_)) == (order, matches)
