"""The drop-in client under faults: a search never fails because of the client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch
from elasticsearch.dsl import Search
from opensearchpy import OpenSearch
from opensearchpy import RequestError as OpenSearchRequestError

from resift.rerank.plugin.wrapper import RerankingClient
from tests.engine.engines import ask
from tests.engine.wrapping import COUNT, FIELDS, QUERY, Numbers, numbers, plain, reranker, search

pytestmark = pytest.mark.engine


def test_a_model_that_fails_or_is_late_keeps_the_engines_order(native: Any, index: str) -> None:
    before = search(native, index, query=QUERY, size=5)
    for scorer, status in ((Numbers(fails=True), "failed"), (Numbers(seconds=0.5), "late")):
        after = search(RerankingClient(native, reranker(scorer), FIELDS), index, query=QUERY, size=5, deadline_ms=100)
        assert after.resift.status == status
        assert plain(after) == plain(before)


def test_a_window_that_the_engine_refuses_prevents_reranking_but_not_the_search(
    engine: str, native: Any, index: str
) -> None:
    ask("PUT", f"{engine}/{index}/_settings", {"index": {"max_result_window": 20}})
    client = RerankingClient(native, reranker(), FIELDS)
    before = search(native, index, query=QUERY, size=5)
    after = search(client, index, query=QUERY, size=5)
    assert after.resift.status == "failed" and "window" in after.resift.reason
    assert plain(after) == plain(before)
    assert search(client, index, query=QUERY, size=5, rank_window_size=20).resift.status == "reranked"
    if isinstance(native, Elasticsearch):  # its client writes the arguments into the given body
        with pytest.warns(DeprecationWarning, match="in the presence of a 'body'"):
            both = client.search(index=index, body={"query": QUERY}, size=5, from_=0)
        assert both.resift.status == "failed" and numbers(both) == numbers(before)
    with pytest.raises((BadRequestError, OpenSearchRequestError)):  # an error of the application is raised
        search(client, index, query={"nonsense": "soup", "match": {"title": "soup"}})
    lines: list[Any] = [{"index": index}, {"query": QUERY, "size": 3}, {"index": index}, {"query": {"match_none": {}}}]
    many = client.msearch(**{"searches" if isinstance(native, Elasticsearch) else "body": lines})
    assert [one.status for one in many.resift] == ["failed", "passed"]
    assert numbers(many["responses"][0]) == numbers(before)[:3]


def test_an_index_among_several_that_refuses_the_window_keeps_its_hits(
    engine: str, name: str, native: Any, index: str
) -> None:
    ask("PUT", f"{engine}/{name}-b", {"settings": {"index": {"max_result_window": 50}}})
    ask("PUT", f"{engine}/{name}-b/_doc/x?refresh=true", {"title": "soup", "body": {"main": "number 99"}, "kind": "a"})
    both = f"{index},{name}-b"
    try:
        before = search(native, both, query={"match": {"title": "soup"}}, size=40)
        after = search(RerankingClient(native, reranker(), FIELDS), both, query={"match": {"title": "soup"}}, size=40)
    finally:
        ask("DELETE", f"{engine}/{name}-b")
    assert after.resift.status == "failed" and "shards failed" in after.resift.reason
    assert plain(after) == plain(before) and after["_shards"]["failed"] == 0


def test_a_late_hybrid_search_has_the_plain_clients_response(native: Any, index: str) -> None:
    if not isinstance(native, OpenSearch) or native.info()["cluster_name"] == "osmem":
        pytest.skip("only OpenSearch has hybrid queries")
    processors = [{"normalization-processor": {"normalization": {"technique": "min_max"}}}]
    request = {
        "query": {"hybrid": {"queries": [{"match": {"title": "soup"}}, {"match": {"body.main": "number 7"}}]}},
        "search_pipeline": {"phase_results_processors": processors},
        "size": 4,
    }
    late = search(RerankingClient(native, reranker(Numbers(seconds=0.4)), FIELDS), index, **request, deadline_ms=50)
    assert late.resift.status == "late" and plain(late) == plain(search(native, index, **request))
    assert search(RerankingClient(native, reranker(), FIELDS), index, **request).resift.status == "reranked"


def test_arguments_by_position_are_understood(native: Any, index: str) -> None:
    class Older(OpenSearch):
        """The signature of opensearch-py 1 and 2."""

        def search(self, body: Any = None, index: Any = None, **more: Any) -> Any:
            return super().search(body=body, index=index, **more)

    if not isinstance(native, OpenSearch):
        pytest.skip("only OpenSearch's client takes them by position")
    with Older(native.transport.hosts) as older:
        found = RerankingClient(older, reranker(), FIELDS).search({"query": QUERY, "size": 2}, index)
    assert found.resift.status == "reranked" and numbers(found) == [29, 28]


def test_stored_fields_exclude_the_source_as_with_the_plain_client(native: Any, index: str) -> None:
    before = search(native, index, query=QUERY, size=COUNT, stored_fields=["kind"])
    after = search(RerankingClient(native, reranker(), FIELDS), index, query=QUERY, size=3, stored_fields=["kind"])
    assert after.resift.status == "reranked" and numbers(after) == [29, 28, 27]
    by_id = {hit["_id"]: hit for hit in before["hits"]["hits"]}
    assert all(hit == by_id[hit["_id"]] for hit in after["hits"]["hits"])
    none = search(RerankingClient(native, reranker(), FIELDS), index, query=QUERY, size=3, stored_fields="_none_")
    assert none.resift.status == "passed" and "stored_fields" in none.resift.reason


def test_searches_that_wait_too_long_for_a_slow_model_keep_the_engines_order(native: Any, index: str) -> None:
    client = RerankingClient(native, reranker(Numbers(seconds=0.1)), FIELDS, rank_window_size=5)
    expected = numbers(search(native, index, query=QUERY, size=3))
    with ThreadPoolExecutor(60) as crowd:
        found = list(crowd.map(lambda _: search(client, index, query=QUERY, size=3, deadline_ms=1500), range(60)))
    assert {one.resift.status for one in found} == {"reranked", "late"}
    assert any("wait for the model already" in one.resift.reason for one in found)
    assert all(numbers(one) == expected for one in found if one.resift.status == "late")
    assert (
        search(client, index, query=QUERY, size=3).resift.status == "reranked"
    )  # searches that gave up do not block the queue


def test_the_vendors_query_builder_accepts_the_wrapper_as_its_client(native: Any, index: str) -> None:
    if not isinstance(native, Elasticsearch):
        pytest.skip("only Elasticsearch has elasticsearch.dsl")
    client: Any = RerankingClient(native, reranker(), FIELDS)
    found = Search(using=client, index=index).query("match", title="soup")[:3].execute()
    assert [int(hit.meta.id) for hit in found] == [29, 28, 27]


def test_fields_without_any_text_keep_the_engines_order(native: Any, index: str) -> None:
    after = search(RerankingClient(native, reranker(), ["nope"]), index, query=QUERY)
    assert after.resift.status == "failed" and "nope" in after.resift.reason
