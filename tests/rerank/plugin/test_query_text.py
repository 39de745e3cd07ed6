"""The user's words are found in any search body, and never taken from a filter."""

from typing import Any

import pytest

from resift.rerank.plugin.client_arguments import overlay
from resift.rerank.plugin.query_text import query_text
from resift.rerank.plugin.request import PassThrough, Plan, plan


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"query": {"match": {"title": "red soup"}}}, "red soup"),
        ({"query": {"match": {"title": {"query": "red soup", "operator": "and"}}}}, "red soup"),
        ({"query": {"multi_match": {"query": "red soup", "fields": ["a", "b^2"]}}}, "red soup"),
        ({"query": {"query_string": {"default_field": "a", "query": "red soup"}}}, "red soup"),
        ({"query": {"bool": {"filter": [{"match": {"a": "not this"}}], "should": [{"match": {"b": "this"}}]}}}, "this"),
        ({"query": {"bool": {"must_not": {"match": {"a": "not this"}}}}}, ""),
        (
            {
                "query": {
                    "function_score": {
                        "functions": [{"filter": {"match": {"a": "no"}}}],
                        "query": {"match": {"a": "y"}},
                    }
                }
            },
            "y",
        ),
        ({"query": {"dis_max": {"queries": [{"match_all": {}}, {"match_phrase": {"a": "b c"}}]}}}, "b c"),
        ({"query": {"nested": {"path": "p", "query": {"match": {"p.a": "deep"}}}}}, "deep"),
        ({"query": {"hybrid": {"queries": [{"neural": {"v": {"query_text": "words", "model_id": "m"}}}]}}}, "words"),
        ({"query": {"semantic": {"field": "inference_field", "query": "meaning"}}}, "meaning"),
        ({"query": {"term": {"kind": "recipe"}}}, ""),
        ({"retriever": {"rrf": {"retrievers": [{"standard": {"query": {"match": {"a": "one"}}}}]}}}, "one"),
        ({"retriever": {"standard": {"filter": {"match": {"a": "no"}}, "query": {"match": {"a": "yes"}}}}}, "yes"),
        (
            {
                "knn": {
                    "field": "v",
                    "query_vector_builder": {"text_embedding": {"model_id": "m", "model_text": "near"}},
                }
            },
            "near",
        ),
        ({"knn": {"field": "v", "query_vector": [1.0, 2.0]}}, ""),
        ({"q": "in the address"}, "in the address"),
        ({}, ""),
    ],
)
def test_the_text_that_decides_the_scores_is_found(body: dict[str, Any], expected: str) -> None:
    assert query_text(body) == expected


def test_arguments_win_over_the_body_and_keep_its_names() -> None:
    request = overlay({"size": 5, "from": 2}, {"from_": 7, "source": ["a"], "size": None})
    assert request == {"size": 5, "from": 7, "_source": ["a"]}


@pytest.mark.parametrize(
    ("requested", "sent", "added"),
    [
        (["title"], ["title", "body"], ("body",)),
        ("t*", ["t*", "body"], ("body",)),
        ({"includes": "*"}, {"includes": ["*"]}, ()),
        (False, ["title", "body"], ()),
    ],
)
def test_fields_that_the_model_reads_are_added(requested: object, sent: object, added: tuple[str, ...]) -> None:
    made = plan({"query": {"match": {"a": "b"}}, "_source": requested}, ["title", "body"], 100)
    assert isinstance(made, Plan)
    assert (made.changes["_source"], made.added) == (sent, added)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"from": 99, "size": 9_950}, "the page is beyond the first 10,000 hits"),
        ({"from": 100}, "the page is beyond the window, which alone is reranked"),
        ({"scroll": "1m"}, "scroll reads all hits in the engine's order"),
    ],
)
def test_a_deep_page_and_a_scroll_are_passed_through(more: dict[str, Any], reason: str) -> None:
    assert plan({"query": {"match": {"a": "b"}}, **more}, ["a"], 100) == PassThrough(reason)


def test_a_page_that_ends_below_the_window_enlarges_the_request_to_its_end() -> None:
    made = plan({"query": {"match": {"a": "b"}}, "from": 4, "size": 10}, ["a"], 5)
    assert isinstance(made, Plan) and made.changes == {"from": 0, "size": 14}
