"""The outcome of a wrapped search says which words, how many hits, and why not, over a fake client."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from resift.rerank.plugin.wrapper import RerankingClient
from resift.rerank.reranker import Reranker
from resift.rerank.settings import RerankSettings
from tests.rerank.plugin.test_wrapper import MATCH, Client, Last, ids, ten_hits, wrapped

PINNED = 1.7014122e38


def scored(*scores: float) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Respond with the first hits of `ten_hits`, with these scores."""

    def respond(body: dict[str, Any]) -> dict[str, Any]:
        found = ten_hits({})["hits"]["hits"][: len(scores)]
        hits = [{**hit, "_score": score} for hit, score in zip(found, scores, strict=True)]
        start = body.get("from", 0)
        return {"hits": {"max_score": max(scores, default=None), "hits": hits[start : start + body.get("size", 10)]}}

    return respond


def test_the_outcome_names_the_words_by_which_hits_were_scored() -> None:
    both = {"query": {"bool": {"must": [{"match": {"kind": "a"}}, {"query_string": {"query": "title:number -cold"}}]}}}
    assert wrapped(Client()).search(body=both).resift.query_text == "number"
    assert wrapped(Client()).search(body=both, query_text="mine").resift.query_text == "mine"
    assert wrapped(Client(scored())).search(body=both).resift.query_text == "number"


def test_a_search_without_hits_is_passed_with_the_reason() -> None:
    found = wrapped(Client(scored())).search(body=MATCH)
    assert (found.resift.status, found.resift.reason) == ("passed", "the engine found no hits")


def test_hits_without_text_follow_those_that_were_scored_and_are_counted() -> None:
    def respond(body: dict[str, Any]) -> dict[str, Any]:
        made = ten_hits(body)
        for hit in made["hits"]["hits"][:3]:
            hit["_source"] = {"title": " ", "n": hit["_source"]["n"]}
        return made

    found = wrapped(Client(respond)).search(body=MATCH)
    assert ids(found) == ["9", "8", "7", "6", "5", "4", "3", "0", "1", "2"]
    assert (found.resift.scored, found.resift.unread) == (7, 3)


@pytest.mark.parametrize(
    ("query", "scores"),
    [
        ({"pinned": {"ids": ["0", "1"], "organic": MATCH["query"]}}, (PINNED, PINNED - 1e31, 3.0, 2.0, 1.0)),
        ({"pinned": {"ids": ["0", "1"], "organic": MATCH["query"], "boost": 1e-38}}, (1.71, 1.7, 1.0, 1.0, 1.0)),
        ({"rule": {"ruleset_ids": ["r"], "organic": MATCH["query"]}}, (PINNED, PINNED - 1e31, 3.0, 2.0, 1.0)),
    ],
)
def test_pinned_hits_keep_their_places_unless_that_is_switched_off(query: Any, scores: tuple[float, ...]) -> None:
    client = wrapped(Client(scored(*scores)))
    found = client.search(body={"query": query})
    assert ids(found) == ["0", "1", "4", "3", "2"]
    assert (found.resift.promoted, found.resift.scored) == (2, 3)
    off = client.search(body={"query": query}, keep_promoted=False)
    assert ids(off) == ["4", "3", "2", "1", "0"] and off.resift.promoted == 0


def test_nothing_but_promoted_hits_is_passed_with_the_reason() -> None:
    found = wrapped(Client(scored(PINNED, PINNED))).search(body={"query": {"pinned": {"ids": ["0", "1"], **MATCH}}})
    assert found.resift.status == "passed" and "promoted" in found.resift.reason and ids(found) == ["0", "1"]


def test_final_scores_fall_from_the_first_hit_to_the_last_and_the_models_are_null_for_hits_it_did_not_score() -> None:
    def respond(body: dict[str, Any]) -> dict[str, Any]:
        made = scored(PINNED, *range(9, 0, -1))(body)
        made["hits"]["hits"][3]["_source"] = {}
        return made

    pinned = {"query": {"pinned": {"ids": ["0"], "organic": MATCH["query"]}}}
    for fusion in ("none", "zscore"):
        reranker = Reranker(Last(), RerankSettings(rank_window_size=6, fusion=fusion))
        hits = RerankingClient(Client(respond), reranker, ["title"], scores="final").search(body=pinned)["hits"]
        final = [hit["_score"] for hit in hits["hits"]]
        assert final == sorted(final, reverse=True) and len({*final}) == 10 and hits["max_score"] == final[0]
        model = RerankingClient(Client(respond), reranker, ["title"], scores="model").search(body=pinned)
        found = {hit["_id"]: hit["_score"] for hit in model["hits"]["hits"]}
        assert found == {"1": 1.0, "2": 2.0, "4": 4.0, "5": 5.0} | dict.fromkeys(["0", "3", "6", "7", "8", "9"])


def test_a_semantic_search_keeps_the_totals_of_the_engines_own_response() -> None:
    def respond(body: dict[str, Any]) -> dict[str, Any]:
        return {
            **ten_hits(body),
            "hits": {**ten_hits(body)["hits"], "total": body.get("size", 10)},
            "aggs": body["size"],
        }

    body = {"query": {"semantic": {"field": "v", "query": "number"}}, "size": 3}
    client = Client(respond)
    found = wrapped(client).search(body=copy.deepcopy(body))
    assert ids(found) == ["9", "8", "7"] and (found["hits"]["total"], found["aggs"]) == (3, 3)
    [many] = wrapped(client).msearch(body=[{}, copy.deepcopy(body)])["responses"]
    assert ids(many) == ["9", "8", "7"] and (many["hits"]["total"], many["aggs"]) == (3, 3)


def test_a_response_that_timed_out_because_of_the_window_is_replaced_by_the_engines_own() -> None:
    def respond(body: dict[str, Any]) -> dict[str, Any]:
        return {**ten_hits(body), "timed_out": body["size"] > 3}

    body = {**MATCH, "size": 3}
    found = wrapped(Client(respond)).search(body=copy.deepcopy(body))
    assert ids(found) == ["0", "1", "2"] and not found["timed_out"]
    assert found.resift.status == "failed" and "timed out" in found.resift.reason
    many = wrapped(Client(respond)).msearch(body=[{}, copy.deepcopy(body)])
    assert ids(many["responses"][0]) == ["0", "1", "2"] and many.resift == [found.resift]


def test_hits_without_scores_are_fused_by_their_order() -> None:
    def respond(body: dict[str, Any]) -> dict[str, Any]:
        made = ten_hits(body)
        for hit in made["hits"]["hits"]:
            hit["_score"] = None
            hit["_source"]["title"] = "number 0"
        return made

    body = {**MATCH, "rank": {"rrf": {}}, "size": 3}
    client = Client(respond)
    assert ids(RerankingClient(client, Reranker(Last()), ["title"]).search(body=body)) == ["0", "1", "2"]
    assert client.requests[0]["rank"] == {"rrf": {"rank_window_size": 100}}
