"""Where the wrapper reads the text of the hits, and how it pages through hits sorted by score."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from resift.rerank.plugin.wrapper import RerankingClient
from tests.engine.wrapping import POTS, Numbers, numbers, plain, reranker, search

pytestmark = pytest.mark.engine

MATCH: dict[str, Any] = {"match": {"title": "soup"}}
ALL = [*range(POTS - 1, -1, -1)]


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        (["alias"], {}),
        (["alias"], {"_source": False}),
        (["alias", "text"], {"_source": ["n"]}),
        (["text"], {"_source": {"excludes": ["te*"]}}),
        (["text"], {"_source": {"excludes": ["text"]}, "fields": ["n", "text"]}),
        (["text"], {"_source": {"excludes": ["text"]}, "fields": [{"field": "n"}], "docvalue_fields": ["kind"]}),
        (["text"], {"_source": False, "fields": ["*"]}),
        (["text"], {"stored_fields": ["text"]}),
        (["text"], {"stored_fields": ["kind"]}),
    ],
)
def test_text_that_the_source_lacks_is_read_from_fields_and_the_hits_stay_as_they_are(
    native: Any, stocked: str, fields: list[str], more: dict[str, Any]
) -> None:
    request = {"query": MATCH, "size": POTS, **more}
    before = plain(search(native, stocked, **copy.deepcopy(request)))
    client = RerankingClient(native, reranker(), fields)
    for _ in range(2):  # the second time, the wrapper knows where the text is
        after = search(client, stocked, **copy.deepcopy(request))
        assert after.resift.status == "reranked" and numbers(after) == ALL
        assert sorted(plain(after)["hits"]["hits"], key=str) == sorted(before["hits"]["hits"], key=str)
    failing = RerankingClient(native, reranker(Numbers(fails=True)), fields)
    assert plain(search(failing, stocked, **copy.deepcopy(request))) == before


def test_an_index_without_a_source_is_read_from_its_stored_fields(native: Any, filled: Callable[..., str]) -> None:
    mapping = {"_source": {"enabled": False}, "properties": {"title": {"type": "text", "store": True}}}
    index = filled({str(n): {"title": f"soup {n}"} for n in range(4)}, mapping).rsplit("/", 1)[-1]
    client = RerankingClient(native, reranker(), ["title"])
    requests: list[dict[str, Any]] = [
        {},
        {"_source": False},
        {"stored_fields": ["title"]},
        {"aggs": {"best": {"top_hits": {}}}},
    ]
    for more in requests:
        before = plain(search(native, index, query=MATCH, **copy.deepcopy(more)))
        after = search(client, index, query=MATCH, **copy.deepcopy(more))
        assert after.resift.status == "reranked" and numbers(after) == [3, 2, 1, 0]
        by_id = {hit["_id"]: hit for hit in before["hits"].pop("hits")}
        found = plain(after)
        assert {hit["_id"]: hit for hit in found["hits"].pop("hits")} == by_id and found == before


def test_an_index_with_the_text_nowhere_is_asked_for_it_once(native: Any, stocked: str) -> None:
    client = RerankingClient(native, reranker(), ["missing"])
    before = plain(search(native, stocked, query=MATCH))
    for _ in range(2):
        after = search(client, stocked, query=MATCH)
        assert after.resift.status == "failed" and "no hit has a text in missing" in after.resift.reason
        assert plain(after) == before


@pytest.mark.parametrize("tie", ["n", {"n": "desc"}, "_doc"])
def test_hits_sorted_by_score_with_a_tie_breaker_are_reranked_and_keep_their_sort_values(
    native: Any, stocked: str, tie: Any
) -> None:
    request = {"query": MATCH, "size": POTS, "sort": ["_score", tie]}
    before = {hit["_id"]: hit for hit in search(native, stocked, **request)["hits"]["hits"]}
    after = search(RerankingClient(native, reranker(), ["text"]), stocked, **request)
    assert numbers(after) == ALL and {hit["_id"]: hit for hit in after["hits"]["hits"]} == before


@pytest.mark.parametrize("size", [7, 15, 30])
def test_search_after_pages_through_the_reranked_hits_without_losing_or_repeating_one(
    native: Any, stocked: str, size: int
) -> None:
    request: dict[str, Any] = {"query": MATCH, "size": size, "sort": ["_score", "n"]}
    own = numbers(search(native, stocked, **{**request, "size": POTS}))
    client = RerankingClient(native, reranker(), ["text"], rank_window_size=15)
    seen: list[int] = []
    while hits := search(client, stocked, **request)["hits"]["hits"]:
        seen += [int(hit["_id"]) for hit in hits]
        request["search_after"] = hits[-1]["sort"]
    assert seen == sorted(own[:15], reverse=True) + own[15:]


def test_a_late_page_after_sort_values_is_the_engines_own(native: Any, stocked: str) -> None:
    request = {"query": MATCH, "size": 5, "sort": ["_score", "n"], "search_after": [0.03, 3]}
    client = RerankingClient(native, reranker(Numbers(fails=True)), ["text"])
    after = search(client, stocked, **copy.deepcopy(request))
    assert after.resift.status == "failed" and plain(after) == plain(search(native, stocked, **request))


def test_a_point_in_time_is_paged_with_its_own_tie_breaker(native: Any, stocked: str) -> None:
    if not isinstance(native, Elasticsearch):
        pytest.skip("the test opens it as Elasticsearch's client does")
    client: Any = RerankingClient(native, reranker(), ["text"], rank_window_size=15)
    pit = client.open_point_in_time(index=stocked, keep_alive="1m")["id"]
    request: dict[str, Any] = {"pit": {"id": pit}, "query": MATCH, "size": 10, "sort": ["_score", "n"]}
    first = client.search(**request)
    second = client.search(**request, search_after=first["hits"]["hits"][-1]["sort"])
    assert {first.resift.status, second.resift.status} == {"reranked"}
    assert numbers(first) + numbers(second)[:5] == sorted(numbers(first) + numbers(second)[:5], reverse=True)


def test_arguments_that_the_client_ignores_are_ignored(native: Any, stocked: str) -> None:
    if not isinstance(native, Elasticsearch):
        pytest.skip("only Elasticsearch's client ignores names of the body beside a body")
    client: Any = RerankingClient(native, reranker(), ["text"])
    own: Any = native
    more: dict[str, Any] = {"_source": False, "from": 3}
    before = own.search(index=stocked, body={"query": MATCH, "size": POTS}, **more)
    after = client.search(index=stocked, body={"query": MATCH, "size": POTS}, **more)
    assert numbers(after) == ALL
    assert {hit["_id"]: hit for hit in after["hits"]["hits"]} == {hit["_id"]: hit for hit in before["hits"]["hits"]}
