"""A call is parsed as each client would send it."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import Elasticsearch
from opensearchpy import OpenSearch

from resift.rerank.plugin.client_arguments import apply_changes, merge_request
from resift.rerank.plugin.request import plan

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
def test_the_source_is_asked_for_as_it_was_with_what_the_model_reads(client: Any, arguments: Any, source: Any) -> None:
    request = merge_request(client, arguments)
    assert request is not None
    made = plan(request, ["title"], 100)
    assert made.text == "soup" and made.changes.get("_source") == source


def test_a_body_that_is_not_json_gives_none() -> None:
    assert merge_request(OPEN, {"body": "no json"}) is None and merge_request(OPEN, {"body": [1]}) is None


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
    assert apply_changes(client, arguments, {"from": 0, "size": 100}) == expected


def test_a_list_in_an_address_has_commas() -> None:
    made = apply_changes(OPEN, {"body": {}, "params": {"_source": "n"}}, {"_source": ["n", "title"]})
    assert made["params"] == {"_source": "n,title"}
