"""What is changed in a request, and which requests are passed through."""

from __future__ import annotations

from typing import Any

import pytest

from resift.rerank.plugin.client_arguments import overlay
from resift.rerank.plugin.request import REMOVED, PassThrough, Plan, plan

MATCH: dict[str, Any] = {"query": {"match": {"a": "b"}}}


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
    made = plan({**MATCH, "_source": requested}, ["title", "body"], 100)
    assert isinstance(made, Plan)
    assert (made.changes["_source"], made.reading.added) == (sent, added)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"from": 99, "size": 9_950}, "the page is beyond the first 10,000 hits"),
        ({"from": 100}, "the page is beyond the window, which alone is reranked"),
        ({"scroll": "1m"}, "scroll reads all hits in the engine's order"),
    ],
)
def test_a_deep_page_and_a_scroll_are_passed_through(more: dict[str, Any], reason: str) -> None:
    assert plan({**MATCH, **more}, ["a"], 100) == PassThrough(reason)


def test_a_page_that_ends_below_the_window_enlarges_the_request_to_its_end() -> None:
    made = plan({**MATCH, "from": 4, "size": 10}, ["a"], 5)
    assert isinstance(made, Plan) and made.changes == {"from": 0, "size": 14}


@pytest.mark.parametrize(
    ("sort", "is_reranked"),
    [
        (None, True),
        ([], True),
        ("_score", True),
        (["_score", "n"], True),
        ([{"_score": "desc"}, {"n": {"order": "asc"}}, "_doc"], True),
        ({"_score": {"order": "desc"}, "n": "asc"}, True),
        ("_score:desc,n:asc", True),
        ("_score,n", True),
        ("n:asc,_score", False),
        (["n", "_score"], False),
        ([{"_score": "asc"}, "n"], False),
        ([{"_score": {"order": "ASC"}}], False),
        ("_score:asc", False),
        (["_doc"], False),
    ],
)
def test_hits_sorted_by_score_first_are_reranked(sort: Any, is_reranked: bool) -> None:
    made = plan({**MATCH, "sort": sort}, ["a"], 100)
    assert made == PassThrough("the hits are sorted by a field") if not is_reranked else isinstance(made, Plan)


def test_a_later_page_by_sort_values_is_found_in_the_window_and_a_page_more_is_requested() -> None:
    made = plan({**MATCH, "sort": ["_score", "n"], "search_after": [1.5, 7], "size": 10}, ["a"], 50)
    assert isinstance(made, Plan) and made.after == (1.5, 7)
    assert made.changes == {"from": 0, "size": 60, "search_after": REMOVED}


@pytest.mark.parametrize("more", [{"from": 5}, {"collapse": {"field": "n"}}])
def test_what_the_engines_refuse_beside_search_after_is_passed_through(more: dict[str, Any]) -> None:
    made = plan({**MATCH, "sort": ["_score", "n"], "search_after": [1.5, 7], **more}, ["a"], 50)
    assert isinstance(made, PassThrough) and "refuse" in made.reason


def test_search_after_without_a_field_in_the_sort_is_passed_through() -> None:
    made = plan({**MATCH, "search_after": [1.5]}, ["a"], 50)
    assert isinstance(made, PassThrough) and "search_after" in made.reason


@pytest.mark.parametrize(
    ("request_", "fields", "kind"),
    [
        ({"_source": {"excludes": ["a"]}}, ["a"], "fields"),
        ({"_source": ["a.part"]}, ["a"], "fields"),
        ({"_source_includes": "n"}, ["a"], "fields"),
        ({"_source": ["n"]}, ["a"], "source"),
        ({"_source": False}, ["a"], "source"),
        ({"stored_fields": ["a", "n"]}, ["a"], "given"),
    ],
)
def test_text_that_the_source_leaves_out_is_read_from_the_fields(request_: Any, fields: list[str], kind: str) -> None:
    made = plan({**MATCH, **request_}, fields, 50)
    assert isinstance(made, Plan) and made.reading.kind == kind
    assert made.changes.get("fields") == (["a"] if kind == "fields" else None)


def test_only_a_pinned_query_or_retriever_at_the_top_names_promoted_hits() -> None:
    pinned = {"pinned": {"docs": [{"_index": "i", "_id": "2"}, {"_id": "1"}], "organic": MATCH["query"]}}
    for request, ids in (
        ({"query": pinned}, ("2", "1")),
        ({"retriever": {"pinned": {"ids": ["5"], "retriever": {"standard": MATCH}}}}, ("5",)),
        ({"query": {"bool": {"must": [pinned]}}}, ()),
    ):
        made = plan(request, ["a"], 50)
        assert isinstance(made, Plan) and made.pinned == ids
