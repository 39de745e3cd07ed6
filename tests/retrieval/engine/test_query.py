"""Search bodies, without an engine: fields, a user's own queries, filters and windows."""

from __future__ import annotations

from typing import Any

import pytest

from resift.retrieval.engine.address import Address
from resift.retrieval.engine.field_types import text_fields
from resift.retrieval.engine.fields import Fields, body_choice, choice_notes, find_fields
from resift.retrieval.engine.filters import read_filter
from resift.retrieval.engine.query import (
    first_words,
    is_longer,
    longest_query,
    search_body,
    with_filter,
    with_window,
)
from resift.retrieval.engine.settings import EngineSettings
from resift.retrieval.errors import EngineError, SettingsError

HERE = Address(("http://h:9200",), "i")
TYPES = {
    "title": {"text"},
    "title.raw": {"keyword"},
    "title.english": {"text"},
    "meta": {"object"},
    "meta.body": {"text"},
    "said": {"nested"},
    "said.text": {"text"},
    "kind": {"keyword"},
    "note": {"text"},
    "views": {"integer"},
    "labels": {"flattened"},
}
CLAUSE = {"term": {"kind": "a"}}


def test_text_fields_exclude_multi_fields() -> None:
    assert text_fields(TYPES) == ["meta.body", "note", "said.text", "title"]


def test_fields_that_are_not_named_are_detected_and_named_fields_must_exist() -> None:
    found = find_fields(TYPES, HERE, EngineSettings())
    assert (found.title, found.text, found.nested) == (
        "title",
        ("meta.body", "note", "said.text"),
        {"said.text": "said"},
    )
    named = find_fields(
        TYPES, HERE, EngineSettings(search_fields="title^3,note", source_text="meta.body"), ["views", "x"]
    )
    assert (named.searched, named.text, named.others) == (("title^3", "note"), ("meta.body",), ("views",))
    assert named.read == ["title", "meta.body", "views"]
    with pytest.raises(SettingsError, match="no field 'nope'"):
        find_fields(TYPES, HERE, EngineSettings(source_text="nope"))
    with pytest.raises(EngineError, match="no text field"):
        find_fields({"kind": {"keyword"}}, HERE, EngineSettings())


@pytest.mark.parametrize(
    ("boost", "fits"),
    [
        ("", True),
        ("^3", True),
        ("^0.5", True),
        ("^10", True),
        ("^", False),
        ("^x", False),
        ("^-1", False),
        ("^0", False),
    ],
)
def test_a_boost_is_a_number_above_0(boost: str, fits: bool) -> None:
    settings = EngineSettings(search_fields=f"note{boost}")
    if fits:
        assert find_fields(TYPES, HERE, settings).searched == (f"note{boost}",)
    else:
        with pytest.raises(SettingsError, match="boost"):
            find_fields(TYPES, HERE, settings)


def test_resifts_own_field_is_searched_only_if_every_index_has_it() -> None:
    ours = {"title": {"text"}, "text": {"text"}, "resift_text": {"text"}, "resift_parent": {"keyword"}}
    alone = find_fields(ours, HERE, EngineSettings())
    assert (alone.searched, alone.text, alone.collapse) == (("resift_text",), ("text",), "resift_parent")
    mixed = {**ours, "resift_text": {"text", "unmapped"}, "resift_parent": {"keyword", "unmapped"}}
    beside = find_fields(mixed, HERE, EngineSettings())
    assert (beside.searched, beside.collapse) == (("text", "title"), "")


def test_nested_fields_are_searched_inside_their_objects() -> None:
    body = search_body(Fields(("title^2", "said.text"), "title", ("said.text",), {"said.text": "said"}), "soup")
    flat, nested = body["query"]["dis_max"]["queries"]
    assert flat["multi_match"]["fields"] == ["title^2"]
    assert nested["nested"]["path"] == "said" and nested["nested"]["query"]["multi_match"]["fields"] == ["said.text"]


@pytest.mark.parametrize(("count", "words"), [(1, 1000), (10, 100), (100, 10), (5000, 10)])
def test_a_query_has_no_more_clauses_than_engines_accept(count: int, words: int) -> None:
    fields = Fields(tuple(f"f{n}" for n in range(count)), "", ("f0",), {})
    assert longest_query(fields) == words
    query = search_body(fields, "word " * 3000)["query"]["multi_match"]["query"]
    assert len(query.split()) == words


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("word " * 4, "word word word"),
        ("don't stop_it 3.5 now", "don't stop_it 3.5"),
        ("one-two/three-four", "one-two/three-"),
        ("日本語です", "日本語"),
        ("한국어 질문 입니다 네", "한국어 질문 입니다"),
        ("🦄🦄🦄🦄", "🦄🦄🦄"),
        ("“quoted” — it’s fine", "“quoted” — it’s fine"),
        ("x" * 1000, "x" * 765),
    ],
)
def test_words_are_counted_as_engines_count_them_and_the_rest_is_left_out(text: str, kept: str) -> None:
    assert first_words(text, 3) == kept
    assert is_longer(text, 3) == (text != kept)


@pytest.mark.parametrize(
    ("given", "clause"),
    [
        ("kind=a b", {"term": {"kind": "a b"}}),
        ("title=Red Soup", {"term": {"title.raw": "Red Soup"}}),
        ("note=Red Soup", {"match": {"note": {"query": "Red Soup", "operator": "and"}}}),
        ("labels.env=prod", {"term": {"labels.env": "prod"}}),
        (
            "said.text=Red Soup",
            {
                "nested": {
                    "path": "said",
                    "query": {"match": {"said.text": {"query": "Red Soup", "operator": "and"}}},
                    "ignore_unmapped": True,
                }
            },
        ),
        ("kind=a=b", {"term": {"kind": "a=b"}}),
        ('{"range": {"views": {"gt": 3}}}', {"range": {"views": {"gt": 3}}}),
    ],
)
def test_a_filter_matches_the_whole_value_if_the_index_has_it(given: str, clause: dict[str, Any]) -> None:
    assert read_filter(EngineSettings(filter=given), TYPES) == clause


@pytest.mark.parametrize("given", ["kind", "=a", "knd=a", "{not json", "title.nope.x.y=1 {"])
def test_a_filter_that_cannot_be_used_is_an_error(given: str) -> None:
    if given.startswith("title."):
        assert read_filter(EngineSettings(filter=given), TYPES)  # a key below an existing field: left to the engine
    else:
        with pytest.raises(SettingsError):
            read_filter(EngineSettings(filter=given), TYPES)


def test_a_misspelt_field_of_a_filter_gets_a_suggestion() -> None:
    with pytest.raises(SettingsError, match="no field 'kinds'; did you mean kind?"):
        read_filter(EngineSettings(filter="kinds=a"), TYPES)


def test_with_a_body_its_fields_are_read_beside_the_title_and_the_note_says_so() -> None:
    choice = body_choice(TYPES, EngineSettings(), ["note"])
    assert choice is not None and set(choice.left_out) == {"meta.body", "said.text"}
    fields = find_fields(TYPES, HERE, EngineSettings(), choice=choice)
    assert (fields.title, fields.text) == ("title", ("note",))
    [said] = choice_notes(fields, choice, own_body=True)
    assert "fields read: title (title), note; not read: meta.body, said.text (not in your search body)" in said


@pytest.mark.parametrize(("given", "searched"), [({"source_text": "note"}, ["meta.body"]), ({}, ["title"]), ({}, [])])
def test_a_body_of_no_text_but_the_title_leaves_the_choice_open(given: dict[str, str], searched: list[str]) -> None:
    assert body_choice(TYPES, EngineSettings(source_text=given.get("source_text")), searched) is None


def test_a_filter_goes_into_every_part_of_a_body_that_finds_hits() -> None:
    match = {"match": {"a": "b"}}
    assert with_filter({"query": match}, CLAUSE) == {"query": {"bool": {"must": [match], "filter": [CLAUSE]}}}
    assert with_filter({"knn": {"field": "v"}}, CLAUSE) == {"knn": {"field": "v", "filter": [CLAUSE]}}
    several = with_filter({"knn": [{"field": "v", "filter": {"x": 1}}]}, CLAUSE)
    assert several == {"knn": [{"field": "v", "filter": [{"x": 1}, CLAUSE]}]}
    assert with_filter({"retriever": {"rrf": {}}}, CLAUSE) == {"retriever": {"rrf": {"filter": [CLAUSE]}}}
    hybrid = with_filter({"query": {"hybrid": {"queries": [match]}}}, CLAUSE)["query"]
    assert hybrid == {"hybrid": {"queries": [{"bool": {"must": [match], "filter": [CLAUSE]}}]}}
    assert with_filter({"query": match}, None) == {"query": match}


def test_only_retrievers_that_combine_others_get_a_window_and_not_a_query_of_the_same_name() -> None:
    decay = {"standard": {"query": {"function_score": {"linear": {"n": {"origin": 1, "scale": 2}}}}}}
    assert with_window(decay, 100) == decay
    inner = {
        "linear": {
            "retrievers": [{"retriever": {"rrf": {"retrievers": [decay]}}, "weight": 2}],
            "rank_window_size": 500,
        }
    }
    made = with_window(inner, 100)["linear"]
    assert made["rank_window_size"] == 500
    assert made["retrievers"] == [{"retriever": {"rrf": {"retrievers": [decay], "rank_window_size": 100}}, "weight": 2}]
    reranker = {"text_similarity_reranker": {"retriever": {"rrf": {}}, "rank_window_size": 10}}
    assert with_window(reranker, 100)["text_similarity_reranker"] == {
        "retriever": {"rrf": {"rank_window_size": 100}},
        "rank_window_size": 10,
    }


@pytest.mark.parametrize(
    ("given", "clauses"),
    [
        ("kind=a, b\nviews=3", [{"term": {"kind": "a, b"}}, {"term": {"views": "3"}}]),
        ('kind=a\n{"range":\n {"views": {"lt": 5}}}', [{"term": {"kind": "a"}}, {"range": {"views": {"lt": 5}}}]),
        ('{"term": {"kind": "a"}}\n\nviews=3\n', [{"term": {"kind": "a"}}, {"term": {"views": "3"}}]),
    ],
)
def test_several_filters_must_all_match(given: str, clauses: list[dict[str, Any]]) -> None:
    assert read_filter(EngineSettings(filter=given), TYPES) == {"bool": {"filter": clauses}}


def test_what_follows_a_clause_on_its_line_is_an_error() -> None:
    with pytest.raises(SettingsError, match="'views=3' follows a query clause"):
        read_filter(EngineSettings(filter='{"term": {"kind": "a"}} views=3'), TYPES)
