"""Searches come back through the proxy in the order of the wrapper and of `resift search`, and otherwise unchanged."""

from __future__ import annotations

import copy
import gzip
import json
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from elasticsearch import Elasticsearch

from resift.rerank.plugin.wrapper import RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.settings import ScorerSettings
from tests.engine.proxying import Answer, RunningProxy, ask
from tests.engine.searching import hits

pytestmark = pytest.mark.engine

WORDS = "how do I clean the oven"
MATCH: dict[str, Any] = {"match": {"text": WORDS}}
MULTI: dict[str, Any] = {"multi_match": {"query": WORDS, "fields": ["title^2", "text"]}}
Body = dict[str, Any]


@pytest.fixture(scope="module")
def wrapper(native: Any) -> RerankingClient:
    return RerankingClient(native, Reranker(load_scorer("resift-tiny", ScorerSettings(threads=1))), ["title", "text"])


def exact(answer: Answer) -> Any:
    """Return the JSON of a response, with each decimal number as the text that it was."""
    body = gzip.decompress(answer.body) if answer.header("content-encoding") == "gzip" else answer.body
    found = json.loads(body, parse_float=str)
    found.pop("took", None)
    return found


def ids(body: Any) -> list[str]:
    return [hit["_id"] for hit in body["hits"]["hits"]]


def wrapped(client: RerankingClient, index: str, body: Body, params: dict[str, str]) -> Any:
    """Return the response that an application with the wrapper gets."""
    own: Any = client.client
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(own, Elasticsearch):  # beside a body, its client ignores arguments that have names of a body
            given = {**body, **{name: json.loads(params[name]) for name in {"from", "size", "_source"} & {*params}}}
            others = {name: value for name, value in params.items() if name not in given}
            found = client.search(index=index, body=copy.deepcopy(given) or None, **others)
        else:
            found = client.search(index=index, body=copy.deepcopy(body) or None, params=dict(params))
    assert found.resift.status == "reranked", found.resift
    return found


def target_of(path: str, params: dict[str, str]) -> str:
    return f"{path}?{urlencode(params)}" if params else path


REQUESTS: dict[str, tuple[Body, dict[str, str]]] = {
    "match": ({"query": MATCH}, {}),
    "multi_match": ({"query": MULTI}, {}),
    "bool": ({"query": {"bool": {"must": MULTI, "filter": [{"term": {"kind": "a"}}], "must_not": {"term": {"n": 3}}}}}, {}),
    "query_string": ({"query": {"query_string": {"query": "text:(clean oven) OR the", "default_field": "text"}}}, {}),
    "simple_query_string": ({"query": {"simple_query_string": {"query": "clean +the | oven", "fields": ["text"]}}}, {}),
    "match_phrase": ({"query": {"match_phrase": {"text": "ask the owner"}}}, {}),
    "dis_max": ({"query": {"dis_max": {"queries": [MATCH, {"match": {"title": "oven"}}]}}}, {}),
    "function_score": ({"query": {"function_score": {"query": MATCH, "functions": [{"weight": 2.5}]}}}, {}),
    "q": ({}, {"q": "clean the oven", "df": "text"}),
    "highlight": ({"query": MULTI, "highlight": {"fields": {"title": {}, "text": {"number_of_fragments": 1}}}}, {}),
    "aggregations": ({"query": MATCH, "aggs": {"k": {"terms": {"field": "kind"}}, "a": {"avg": {"field": "n"}}}}, {}),
    "top_hits": ({"query": MATCH, "aggs": {"best": {"top_hits": {"size": 2, "_source": ["n"]}}}}, {}),
    "suggest": ({"query": MATCH, "suggest": {"s": {"text": "ovn", "term": {"field": "title"}}}}, {}),
    "collapse": ({"query": MATCH, "collapse": {"field": "kind", "inner_hits": {"name": "more", "size": 2}}}, {}),
    "from and size": ({"query": MULTI, "from": 5, "size": 4}, {}),
    "from and size in the URL": ({"query": MULTI}, {"from": "5", "size": "4"}),
    "across the window's end": ({"query": MATCH, "from": 95, "size": 10}, {}),
    "all hits": ({"query": MATCH, "size": 132}, {}),
    "no source": ({"query": MULTI, "_source": False}, {}),
    "source fields": ({"query": MULTI, "_source": ["n", "title"]}, {}),
    "source without the text": ({"query": MULTI, "_source": {"excludes": ["te*"]}}, {}),
    "source fields in the URL": ({"query": MULTI}, {"_source_includes": "n"}),
    "no source in the URL": ({"query": MULTI}, {"_source": "false"}),
    "fields": ({"query": MULTI, "fields": ["n", "kind"], "_source": False}, {}),
    "docvalue_fields": ({"query": MULTI, "docvalue_fields": ["n"]}, {}),
    "stored_fields": ({"query": MULTI, "stored_fields": ["kind"]}, {}),
    "sort by score": ({"query": MULTI, "sort": ["_score", {"n": "desc"}], "size": 5}, {}),
    "explain": ({"query": MATCH, "explain": True, "size": 3}, {}),
    "version": ({"query": MATCH, "version": True, "seq_no_primary_term": True}, {}),
    "named queries": ({"query": {"match": {"text": {"query": WORDS, "_name": "mine"}}}}, {}),
    "min_score": ({"query": MATCH, "min_score": 0.75}, {}),
    "post_filter": ({"query": MATCH, "post_filter": {"term": {"kind": "b"}}, "aggs": {"k": {"terms": {"field": "kind"}}}}, {}),
    "rescore": ({"query": MATCH, "rescore": {"window_size": 20, "query": {"rescore_query": {"match": {"title": "oven"}}}}}, {}),
    "indices_boost": ({"query": MATCH, "indices_boost": [{"proxied-*": 1.5}]}, {}),
    "exact total": ({"query": MATCH, "track_total_hits": True}, {}),
    "no total": ({"query": MATCH, "track_total_hits": False}, {}),
    "bounded total": ({"query": MATCH, "track_total_hits": 7}, {}),
    "rest_total_hits_as_int": ({"query": MATCH}, {"rest_total_hits_as_int": "true"}),
    "typed_keys": ({"query": MATCH, "aggs": {"k": {"terms": {"field": "kind"}}}}, {"typed_keys": "true"}),
    "preference": ({"query": MATCH}, {"preference": "_local", "search_type": "dfs_query_then_fetch"}),
    "timeout": ({"query": MATCH, "timeout": "20s"}, {"request_cache": "true", "allow_partial_search_results": "true"}),
    "digits": ({"query": {"bool": {"must": MATCH, "filter": {"range": {"n": {"gte": 0.30000000000000004, "lt": 1e3}}}}}}, {}),
    "words in Unicode": ({"query": {"match": {"text": 'the "öven" – 🙂 汤 \\ / clean'}}}, {}),
}  # fmt: skip


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_search_has_the_order_of_the_wrapper_and_its_hits_are_the_engines(
    engine: str, proxy: RunningProxy, articles: str, wrapper: RerankingClient, kind: str
) -> None:
    body, params = REQUESTS[kind]
    expected = wrapped(wrapper, articles, body, params)
    got = ask(proxy.url, "POST", target_of(f"/{articles}/_search", params), body or None)
    assert (got.status, got.treatment) == (200, "reranked")
    found = exact(got)
    assert ids(found) == ids(expected) and len(ids(found)) >= 3
    assert got.json()["hits"] == expected["hits"]
    whole = {name: value for name, value in params.items() if name not in ("from", "size")}
    asked = {**body, "from": 0, "size": 132}
    if kind == "rescore":
        asked["size"] = 100
    direct_answer = ask(engine, "POST", target_of(f"/{articles}/_search", whole), asked)
    direct = exact(direct_answer)
    by_id = {hit["_id"]: hit for hit in direct["hits"].pop("hits")}
    assert all(hit == by_id[hit["_id"]] for hit in found["hits"].pop("hits"))
    assert found == direct
    assert got.comparable()[1] == direct_answer.comparable()[1]


def test_the_order_is_that_of_the_command_line(engine: str, proxy: RunningProxy, articles: str, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_text('{"query": {"multi_match": {"query": "{{query}}", "fields": ["title", "text"]}}}')
    for words in (WORDS, "sell a boat", "winter roof", "what to do with an old piano", "the"):
        options = ("--query-file", str(file), "--model", "resift-tiny", "--top", "100")
        expected = [hit["doc_id"] for hit in hits(f"{engine}/{articles}", words, *options)]
        query = {"multi_match": {"query": words, "fields": ["title", "text"]}}
        got = ask(proxy.url, "POST", f"/{articles}/_search", {"query": query, "size": 100})
        assert got.treatment == "reranked" and ids(got.json()) == expected


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("packed", [False, True])
def test_method_and_compression_do_not_matter(
    proxy: RunningProxy, articles: str, wrapper: RerankingClient, method: str, packed: bool
) -> None:
    body: Body = {"query": MULTI, "size": 50}
    raw = json.dumps(body).encode()
    more = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip, deflate"} if packed else {}
    headers = {"Content-Type": "application/json", **more}
    got = ask(proxy.url, method, f"/{articles}/_search", gzip.compress(raw) if packed else raw, headers)
    assert got.treatment == "reranked"
    assert got.header("content-encoding") == ("gzip" if packed else "")
    assert ids(exact(got)) == ids(wrapped(wrapper, articles, body, {}))


def test_pretty_and_human_responses_are_written_as_the_engine_writes_them(
    engine: str, proxy: RunningProxy, articles: str
) -> None:
    target = f"/{articles}/_search?pretty&human=true"
    body = {
        "query": {"match": {"title": "clean oven"}},
        "size": 1,
        "sort": ["_score", "n"],
        "_source": ["nothing"],
        "fields": ["kind"],
        "aggs": {name: {"terms": {"field": field}} for name, field in (("k", "kind"), ('"a": x \\', "nothing"))},
    }
    direct, got = ask(engine, "POST", target, body), ask(proxy.url, "POST", target, body)
    assert got.treatment == "reranked" and ids(got.json()) == ["d0"]
    assert got.comparable() == direct.comparable()  # the best hit of both is the same one


def test_a_profiled_search_has_the_engines_profile(
    proxy: RunningProxy, articles: str, wrapper: RerankingClient
) -> None:
    body: Body = {"query": MATCH, "profile": True}
    got = ask(proxy.url, "POST", f"/{articles}/_search", body)
    assert got.treatment == "reranked" and len(got.json()["profile"]["shards"]) == 2
    assert ids(got.json()) == ids(wrapped(wrapper, articles, body, {}))


def test_many_searches_of_one_request_are_each_reranked_or_passed_through(
    engine: str, proxy: RunningProxy, articles: str, wrapper: RerankingClient
) -> None:
    lines: list[Body] = [
        *({"index": articles}, {"query": MULTI, "size": 5}),
        *({"index": [articles]}, {"query": MATCH, "sort": ["n"], "size": 2}),
        *({}, {"query": {"match": {"title": "paint the boat"}}, "size": 3}),
        *({"index": "not-there"}, {"query": MATCH}),
        *({"index": articles, "preference": "_local"}, {"query": MATCH, "size": 0}),
    ]
    raw = "".join(json.dumps(line) + "\n" for line in lines).encode()
    got, direct = (
        ask(url, "POST", f"/{articles}/_msearch", raw, {"Content-Type": "application/x-ndjson"})
        for url in (proxy.url, engine)
    )
    assert got.treatment == (
        "2 reranked; 1 passed through: the hits are sorted by a field; 1 passed through: the engine answered with an "
        "error; 1 passed through: no hits are requested (size 0)"
    )
    found, own = got.json()["responses"], direct.json()["responses"]
    assert ids(found[0]) == ids(wrapped(wrapper, articles, lines[1], {}))
    assert ids(found[2]) == ids(wrapped(wrapper, articles, lines[5], {}))
    for place in (1, 3, 4):
        assert {**found[place], "took": 0} == {**own[place], "took": 0}


@pytest.mark.parametrize("named", ["{}", "{},{}", "{}*", "{}-alias"])
def test_patterns_lists_and_aliases_of_reranked_indices_are_reranked(
    engine: str, proxy: RunningProxy, articles: str, wrapper: RerankingClient, named: str
) -> None:
    ask(engine, "POST", "/_aliases", {"actions": [{"add": {"index": articles, "alias": f"{articles}-alias"}}]})
    index = named.replace("{}", articles)
    got = ask(proxy.url, "POST", f"/{index}/_search", {"query": MULTI})
    assert got.treatment == "reranked"
    assert ids(got.json()) == ids(wrapped(wrapper, articles, {"query": MULTI}, {}))


@pytest.mark.parametrize("index", ["_all", "", "*", "{},t-other*"])
def test_a_search_of_other_indices_besides_is_not_reranked(proxy: RunningProxy, articles: str, index: str) -> None:
    path = f"/{index.replace('{}', articles)}/_search".replace("//", "/")
    got = ask(proxy.url, "POST", path, {"query": MULTI})
    assert got.status == 200 and not got.treatment.startswith("reranked")


def test_details_of_the_reranking_are_added_on_request_alone(proxy: RunningProxy, articles: str) -> None:
    target, body = f"/{articles}/_search", {"query": MULTI, "from": 3, "size": 4}
    plain, got = ask(proxy.url, "POST", target, body), ask(proxy.url, "POST", target, body, {"X-Resift-Details": "on"})
    found = got.json()
    summary = found.pop("_resift")
    assert (summary["status"], summary["query_text"]) == ("reranked", WORDS)
    assert summary["fields"] == ["title", "text"]
    details = [hit.pop("_resift") for hit in found["hits"]["hits"]]
    assert [one["rank"] for one in details] == [4, 5, 6, 7] and all(one["first_stage_rank"] >= 1 for one in details)
    assert {**found, "took": 0} == {**plain.json(), "took": 0}
