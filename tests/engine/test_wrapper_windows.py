"""Asking for more hits changes nothing of what a search finds; and without reranking its own response is returned."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from resift.rerank.plugin.wrapper import RerankingClient
from tests.engine.wrapping import VECTOR, Numbers, numbers, plain, reranker, search

pytestmark = pytest.mark.engine

KNN: dict[str, Any] = {"field": "v", "query_vector": VECTOR}
MATCH: dict[str, Any] = {"match": {"title": "soup"}}
LENTIL: dict[str, Any] = {"match": {"text": "lentil"}}
MIXED: dict[str, Any] = {"bool": {"should": [LENTIL, {"knn": KNN}]}}
KINDS: dict[str, Any] = {"kinds": {"terms": {"field": "kind"}}}
TOP_RESCORED: dict[str, Any] = {"window_size": 10, "query": {"rescore_query": LENTIL}}
SINK: dict[str, Any] = {
    "window_size": 5,
    "query": {"rescore_query": {"match_all": {}}, "query_weight": 0.0, "rescore_query_weight": 0.0},
}


def own_response_or_reranked(native: Any, index: str, request: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return the plain client's response and the reranked one; check that a model that fails leaves the former."""
    before = plain(search(native, index, **copy.deepcopy(request)))
    failed = search(RerankingClient(native, reranker(Numbers(fails=True)), ["text"]), index, **copy.deepcopy(request))
    assert failed.resift.status == "failed" and plain(failed) == before
    return before, search(RerankingClient(native, reranker(), ["text"]), index, **copy.deepcopy(request))


@pytest.mark.parametrize("page", [{}, {"size": 4, "from": 2}])
@pytest.mark.parametrize(
    "request_",
    [
        {"knn": KNN, "query": LENTIL},
        {"knn": [KNN, {**KNN, "query_vector": [0.0, 1.0], "num_candidates": 30}], "query": LENTIL},
        {"query": MIXED},
        {"query": {"bool": {"must": [LENTIL, {"knn": {**KNN, "num_candidates": 3}}]}}},
        {"query": {"bool": {"must": MATCH, "filter": {"knn": KNN}}}},
        {"query": {"dis_max": {"queries": [LENTIL, {"constant_score": {"filter": {"knn": KNN}}}]}}},
        {"query": MATCH, "post_filter": {"knn": KNN}},
        {"query": MATCH, "aggs": {"near": {"filter": {"knn": KNN}}}},
        {"retriever": {"standard": {"query": MIXED}}},
        {"retriever": {"rescorer": {"retriever": {"standard": {"query": MIXED}}, "rescore": TOP_RESCORED}}},
    ],
)
def test_a_knn_search_without_k_finds_what_the_plain_client_finds(
    native: Any, stocked: str, request_: dict[str, Any], page: dict[str, int]
) -> None:
    if not isinstance(native, Elasticsearch):
        pytest.skip("OpenSearch's knn always names a k or another limit")
    before, after = own_response_or_reranked(native, stocked, {"aggs": KINDS, **request_, **page})
    assert after.resift.status == "reranked"
    assert after["hits"]["total"] == before["hits"]["total"] and after["aggregations"] == before["aggregations"]
    assert len(after["hits"]["hits"]) == len(before["hits"]["hits"])


def test_the_neighbours_that_a_knn_search_finds_are_those_that_are_reranked(native: Any, stocked: str) -> None:
    if not isinstance(native, Elasticsearch):
        pytest.skip("OpenSearch's knn always names a k or another limit")

    def filtered(knn: dict[str, Any]) -> dict[str, Any]:
        return {"bool": {"must": MATCH, "filter": {"knn": knn}}}

    found = numbers(search(native, stocked, query=filtered({**KNN, "k": 4, "num_candidates": 6}), size=40))
    assert len(found) == 8 < len(numbers(search(native, stocked, query=filtered(KNN), size=40)))  # 4 on each shard
    after = search(RerankingClient(native, reranker(), ["text"]), stocked, query=filtered(KNN), size=4)
    assert numbers(after) == sorted(found, reverse=True)[:4]


@pytest.mark.parametrize("page", [{"size": 3}, {"size": 3, "from": 2}])
@pytest.mark.parametrize(
    "more",
    [
        {"rescore": SINK},
        {"rescore": [SINK, {"query": {"rescore_query": LENTIL, "score_mode": "multiply"}}]},
        {"rescore": {"query": {"rescore_query": LENTIL, "query_weight": 0.1}}},
        {"collapse": {"field": "kind", "inner_hits": {"name": "some", "size": 2}}},
        {"min_score": 0.02},
        {"terminate_after": 5, "track_total_hits": False},
        {"terminate_after": 5, "aggs": KINDS},
        {"track_total_hits": 5},
        {"post_filter": {"term": {"kind": "a"}}},
        {"suggest": {"near": {"text": "sou", "term": {"field": "title"}}}},
        {"aggs": {"best": {"top_hits": {"size": 1}}}, "_source": {"excludes": ["text"]}},
        {"explain": True, "version": True, "seq_no_primary_term": True},
    ],
)
def test_a_model_that_fails_leaves_the_engines_response_whatever_else_the_search_asks_for(
    native: Any, stocked: str, more: dict[str, Any], page: dict[str, int]
) -> None:
    before, after = own_response_or_reranked(native, stocked, {"query": MATCH, **more, **page})
    assert after.resift.status == "reranked"
    found = plain(after)
    for response in (before, found):
        response["hits"].pop("hits")
        response["hits"].pop("max_score")  # of all rescored hits
    assert found == before


def test_a_late_search_that_a_rescorer_sinks_has_the_engines_hits(native: Any, stocked: str) -> None:
    request = {"query": MATCH, "rescore": SINK, "size": 3}
    client = RerankingClient(native, reranker(Numbers(seconds=0.3)), ["text"])
    late = search(client, stocked, **request, deadline_ms=50)
    assert late.resift.status == "late" and plain(late) == plain(search(native, stocked, **request))


def test_searches_among_many_that_fail_have_their_own_responses(native: Any, stocked: str) -> None:
    bodies: list[dict[str, Any]] = [
        {"query": MATCH, "rescore": SINK, "size": 3},
        {"query": MATCH, "size": 3},
        {"query": MATCH, "size": 3, "_source": {"excludes": ["text"]}, "aggs": {"best": {"top_hits": {"size": 1}}}},
    ]
    if isinstance(native, Elasticsearch):
        bodies += [{"knn": KNN, "query": LENTIL, "aggs": KINDS, "size": 4}, {"query": MIXED, "aggs": KINDS, "size": 4}]
    lines = [line for body in bodies for line in ({"index": stocked}, body)]
    name = "searches" if isinstance(native, Elasticsearch) else "body"
    before = native.msearch(**{name: copy.deepcopy(lines)})["responses"]
    failing = RerankingClient(native, reranker(Numbers(fails=True)), ["text"])
    after = failing.msearch(**{name: copy.deepcopy(lines)})
    assert {one.status for one in after.resift} == {"failed"}
    reranked = RerankingClient(native, reranker(), ["text"]).msearch(**{name: copy.deepcopy(lines)})
    assert {one.status for one in reranked.resift} == {"reranked"}
    for own, failed, found in zip(before, after["responses"], reranked["responses"], strict=True):
        assert {**failed, "took": 0} == {**own, "took": 0}
        assert (found["hits"]["total"], found.get("aggregations")) == (own["hits"]["total"], own.get("aggregations"))


def test_a_hybrid_search_without_a_pipeline_is_not_a_ranking(native: Any, stocked: str) -> None:
    if isinstance(native, Elasticsearch) or native.info()["cluster_name"] == "osmem":
        pytest.skip("only OpenSearch has hybrid queries")
    request = {"query": {"hybrid": {"queries": [MATCH, LENTIL]}}, "size": 4}
    after = search(RerankingClient(native, reranker(), ["text"]), stocked, **request)
    assert after.resift.status == "passed" and "search_pipeline" in after.resift.reason
    assert plain(after) == plain(search(native, stocked, **request))
