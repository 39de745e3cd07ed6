"""A call is parsed as each client would send it."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import Elasticsearch
from opensearchpy import OpenSearch

from resift.rerank.plugin.client_arguments import MultiSearchCall, SearchCall
from resift.rerank.plugin.request import Plan, plan

ELASTIC, OPEN = Elasticsearch("http://localhost:1"), OpenSearch("http://localhost:1")
MATCH = {"match": {"title": "soup"}}


@pytest.mark.parametrize(
    ("client", "arguments", "source"),
    [
        (OPEN, {"body": {"query": MATCH}, "_source": "true"}, None),
        (OPEN, {"body": {"query": MATCH}, "_source": ""}, None),
        (OPEN, {"body": {"query": MATCH}, "_source": "false"}, ["title"]),
        (OPEN, {"body": {"query": MATCH}, "_source": "n,kind"}, ["n", "kind", "title"]),
        (OPEN, {"body": {"query": MATCH}, "params": {"_source": "n,kind"}}, ["n", "kind", "title"]),
        (OPEN, {"body": {"query": MATCH, "_source": "n,kind"}}, ["n,kind", "title"]),
        (OPEN, {"body": {"query": MATCH, "_source": []}}, None),
        (
            OPEN,
            {"body": {"query": MATCH, "_source": {"includes": [], "excludes": ["n"]}}},
            {"includes": [], "excludes": ["n"]},
        ),
        (OPEN, {"body": {"query": MATCH, "stored_fields": ["_source"]}}, None),
        (OPEN, {"body": {"query": MATCH, "stored_fields": []}}, ["title"]),
        (ELASTIC, {"query": MATCH, "source": "n,kind"}, ["n,kind", "title"]),
        (ELASTIC, {"query": MATCH, "source": []}, None),
        (ELASTIC, {"query": MATCH, "_source": ["n"]}, ["n", "title"]),
        (ELASTIC, {"body": '{"query": {"match": {"title": "soup"}}, "_source": ["n"]}'}, ["n", "title"]),
    ],
)
def test_the_requested_source_is_kept_and_what_the_model_reads_is_added(
    client: Any, arguments: Any, source: Any
) -> None:
    made = plan(SearchCall.parse(client, (), arguments).request, ["title"], 100)
    assert isinstance(made, Plan)
    assert made.text == "soup" and made.changes.get("_source") == source


@pytest.mark.parametrize("body", ["no json", b"\xff", "[1]", [1], 5])
def test_a_body_that_is_not_a_json_object_is_a_problem(body: Any) -> None:
    call = SearchCall.parse(OPEN, (), {"body": body})
    assert call.problem == "the body is not a JSON object" and call.arguments == {"body": body}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{}\nno json\n", "cannot be read"),
        (b"\xff\n{}\n", "cannot be read"),
        ("{}\n[1]\n", "expected a JSON object"),
        ([{}, 5], "expected a JSON object"),
        (5, "cannot be read"),
        ([{}, {"query": MATCH}, {}], "one is missing"),
    ],
)
def test_searches_that_cannot_be_read_are_a_problem(body: Any, problem: str) -> None:
    call = MultiSearchCall.parse(OPEN, (), {"body": body})
    assert problem in call.problem and call.requests == [] and call.arguments == {"body": body}


def test_an_empty_line_is_an_empty_header_but_not_after_the_last_search() -> None:
    call = MultiSearchCall.parse(OPEN, (), {"body": '\n{"size": 1}\n\n{"size": 2}\n\n'})
    assert call.problem == "" and list(call.searches) == [({}, {"size": 1}), ({}, {"size": 2})]


def test_a_part_of_many_searches_has_their_headers_and_the_calls_other_arguments() -> None:
    lines = [{"index": "a"}, {"size": 1}, {"index": "b"}, {"size": 2}, {"index": "c"}, {"size": 3}]
    part = MultiSearchCall.parse(OPEN, (), {"body": lines, "max_concurrent_searches": 4}).only([0, 2])
    assert part.arguments == {"body": [*lines[:2], *lines[4:]], "max_concurrent_searches": 4}


@pytest.mark.parametrize(
    ("client", "arguments", "expected"),
    [
        (OPEN, {"body": {"query": 1}, "from_": 20, "size": 3}, {"body": {"query": 1}, "from_": 0, "size": 100}),
        (OPEN, {"body": {"query": 1, "size": 3}}, {"body": {"query": 1, "size": 100, "from": 0}}),
        (OPEN, {"body": {}, "params": {"size": 3}}, {"body": {"size": 100, "from": 0}, "params": {"size": 100}}),
        (ELASTIC, {"query": 1}, {"query": 1, "size": 100, "from_": 0}),
        (ELASTIC, {"query": 1, "from": 3}, {"query": 1, "size": 100, "from": 0}),
        (ELASTIC, {"body": '{"query": 1}'}, {"body": {"query": 1, "size": 100, "from": 0}}),
    ],
)
def test_a_change_is_made_where_the_call_has_the_value(client: Any, arguments: Any, expected: Any) -> None:
    call = SearchCall.parse(client, (), arguments)
    assert call.changed_arguments({"from": 0, "size": 100}) == expected


def test_a_list_in_a_url_has_commas() -> None:
    call = SearchCall.parse(OPEN, (), {"body": {}, "params": {"_source": "n"}})
    assert call.changed_arguments({"_source": ["n", "title"]})["params"] == {"_source": "n,title"}
