"""The drop-in client on real engines: the same response, with the hits in another order."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch, NotFoundError
from opensearchpy import AsyncOpenSearch
from opensearchpy import NotFoundError as OpenSearchNotFound

from resift.rerank.plugin.wrapper import AsyncRerankingClient, RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError
from tests.engine.wrapping import COUNT, FIELDS, QUERY, Numbers, numbers, plain, reranker, search

pytestmark = pytest.mark.engine


def test_only_the_order_of_the_hits_differs_from_the_plain_clients_response(native: Any, index: str) -> None:
    request: dict[str, Any] = {
        "query": QUERY,
        "size": COUNT,
        "aggs": {"kinds": {"terms": {"field": "kind"}}},
        "highlight": {"fields": {"title": {}}},
        "track_total_hits": True,
    }
    before = search(native, index, **request)
    after = search(RerankingClient(native, reranker(), FIELDS), index, **request)
    assert isinstance(after, type(before))
    assert after.resift.status == "reranked" and after.resift.scored == COUNT
    assert numbers(after) == sorted(range(COUNT), reverse=True)
    one, two = plain(before), plain(after)
    by_id = {hit["_id"]: hit for hit in one["hits"].pop("hits")}
    assert {hit["_id"]: hit for hit in two["hits"].pop("hits")} == by_id
    assert one == two


@pytest.mark.parametrize("scores", ["engine", "model", "final"])
def test_the_score_is_kept_or_replaced_as_requested(native: Any, index: str, scores: Any) -> None:
    before = {hit["_id"]: hit["_score"] for hit in search(native, index, query=QUERY, size=COUNT)["hits"]["hits"]}
    after = search(RerankingClient(native, reranker(), FIELDS, scores=scores), index, query=QUERY, size=COUNT)["hits"]
    for hit in after["hits"]:
        assert hit["_score"] == (before[hit["_id"]] if scores == "engine" else float(hit["_id"]))
    assert after["max_score"] == (max(before.values()) if scores == "engine" else COUNT - 1)


def test_fields_of_the_template_are_read_and_removed_from_the_hits_again(native: Any, index: str) -> None:
    own = Reranker(Numbers(), RerankSettings(fusion="none", template="{title} {n}"))
    client = RerankingClient(native, own, ["title"])
    found = search(client, index, query=QUERY, size=2, _source=["kind"])
    assert numbers(found) == [29, 28] and found["hits"]["hits"][0]["_source"] == {"kind": "a"}


def test_pages_are_cut_from_the_reranked_window(native: Any, index: str) -> None:
    client = RerankingClient(native, reranker(), FIELDS)
    assert numbers(search(client, index, query=QUERY, size=3)) == [29, 28, 27]
    assert numbers(search(client, index, **{"query": QUERY, "from": 3, "size": 3})) == [26, 25, 24]
    assert numbers(search(client, index, query=QUERY)) == list(range(29, 19, -1))


def test_hits_below_the_window_keep_the_engines_order(native: Any, index: str) -> None:
    engine_order = numbers(search(native, index, query=QUERY, size=COUNT))
    found = numbers(
        search(RerankingClient(native, reranker(), FIELDS), index, query=QUERY, size=COUNT, rank_window_size=7)
    )
    assert found == sorted(engine_order[:7], reverse=True) + engine_order[7:]


@pytest.mark.parametrize(
    "source", [False, True, ["n"], "n", {"includes": ["n"]}, ["body.*"], {"excludes": ["n"]}, {"excludes": ["b*"]}, ""]
)
def test_the_source_has_the_requested_fields(native: Any, index: str, source: Any) -> None:
    request = {"query": QUERY, "size": 5, "_source": source}
    before = search(native, index, **{**request, "size": COUNT})
    after = search(RerankingClient(native, reranker(), FIELDS), index, **request)
    by_id = {hit["_id"]: hit for hit in before["hits"]["hits"]}
    assert after.resift.status == "reranked" and numbers(after) == [29, 28, 27, 26, 25]
    assert all(hit == by_id[hit["_id"]] for hit in after["hits"]["hits"])


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"query": QUERY, "sort": [{"n": "asc"}]}, "sorted"),
        ({"query": QUERY, "size": 0}, "size 0"),
        ({"query": {"match_all": {}}}, "query text"),
        ({"query": {"bool": {"filter": [{"match": {"title": "soup"}}]}}}, "query text"),
        ({"query": QUERY, "enabled": False}, "switched off"),
    ],
)
def test_a_search_that_cannot_be_reranked_is_passed_through_with_the_reason(
    native: Any, index: str, request_: dict[str, Any], reason: str
) -> None:
    before = search(native, index, **{name: value for name, value in request_.items() if name != "enabled"})
    after = search(RerankingClient(native, reranker(), FIELDS), index, **request_)
    assert after.resift.status == "passed" and reason in after.resift.reason
    assert plain(after) == plain(before)


def test_many_searches_share_the_model_and_an_error_affects_only_its_search(native: Any, index: str) -> None:
    lines: list[Any] = [
        {"index": index},
        {"query": QUERY, "size": 2},
        {"index": "not-there-at-all"},
        {"query": QUERY},
        {"index": index},
        {"query": {"match_all": {}}, "size": 2},
        {"index": index},
        {"query": {"match": {"title": {"query": "soup bowl"}}}, "size": 1},
    ]
    scorer = Numbers()
    client = RerankingClient(native, reranker(scorer), FIELDS)
    name = "searches" if isinstance(native, Elasticsearch) else "body"
    found = client.msearch(**{name: lines})
    assert [one.status for one in found.resift] == ["reranked", "passed", "passed", "reranked"]
    assert numbers(found["responses"][0]) == [29, 28] and numbers(found["responses"][3]) == [29]
    assert found["responses"][1]["status"] == 404
    assert {query for query, _ in scorer.pairs} == {"soup", "soup bowl"}


def test_all_other_calls_behave_as_with_the_plain_client(native: Any, index: str) -> None:
    client = RerankingClient(native, reranker(), FIELDS)
    assert client.indices.exists(index=index)
    assert client.count(index=index)["count"] == COUNT
    with pytest.raises((NotFoundError, OpenSearchNotFound)):
        search(client, "not-there-at-all", query=QUERY)
    with pytest.raises(SettingsError, match="rank_window_size"):
        search(client, index, query=QUERY, rank_window_size=0)


def test_arguments_that_override_the_body_are_respected(native: Any, index: str) -> None:
    client = RerankingClient(native, reranker(), FIELDS)
    if isinstance(native, Elasticsearch):
        assert numbers(client.search(index=index, query=QUERY, size=2)) == [29, 28]
        aliased = client.search(index=index, query=QUERY, size=2, _source=["kind"])
        assert numbers(aliased) == [29, 28] and aliased["hits"]["hits"][0]["_source"] == {"kind": "a"}
        assert client.options(request_timeout=20).search(index=index, query=QUERY, size=1).resift.status == "reranked"
    else:
        assert numbers(client.search(index=index, body={"query": QUERY}, params={"size": 2})) == [29, 28]
        assert numbers(client.search(index=index, body={"query": QUERY}, size=2)) == [29, 28]
        assert numbers(client.search(index=index, body={"query": QUERY}, from_=2, size=2)) == [27, 26]
    trimmed = client.search(index=index, body={"query": QUERY}, filter_path="took")
    assert trimmed.resift.status == "passed" and set(trimmed) == {"took"}


def test_a_copy_and_a_pickle_of_a_response_have_the_plain_clients_type(native: Any, index: str) -> None:
    found = search(RerankingClient(native, reranker(), FIELDS), index, query=QUERY, size=3)
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert plain(again) == plain(found)
        assert type(again) is type(search(native, index, query=QUERY))


def test_the_asynchronous_clients_do_the_same(native: Any, engine: str, index: str) -> None:
    async def both() -> tuple[Any, Any]:
        async with (AsyncElasticsearch if isinstance(native, Elasticsearch) else AsyncOpenSearch)(engine) as own:
            client = AsyncRerankingClient(own, reranker(), FIELDS)
            late = AsyncRerankingClient(own, reranker(Numbers(seconds=0.5)), FIELDS, deadline_ms=50)
            arguments: dict[str, Any] = {"index": index, "body": {"query": QUERY, "size": 3}}
            return await asyncio.gather(client.search(**arguments), late.search(**arguments))

    found, late = asyncio.run(both())
    assert found.resift.status == "reranked" and numbers(found) == [29, 28, 27]
    assert late.resift.status == "late" and numbers(late) == numbers(search(native, index, query=QUERY, size=3))
