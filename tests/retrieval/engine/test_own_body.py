"""A user's own search body, without an engine: placeholders, errors, and the fields that it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resift.retrieval.engine.own_body import check_fields, fill, named_fields, read_template, searched_texts
from resift.retrieval.errors import SettingsError

TYPES = {"title": {"text"}, "body": {"text"}, "said": {"nested"}, "said.text": {"text"}, "labels": {"flattened"}}


def test_a_query_replaces_every_placeholder_and_nothing_else_changes() -> None:
    template = {
        "query": {"bool": {"should": [{"match": {"a": "{{query}}"}}, {"match": {"b": "x {{query}} y"}}]}},
        "n": 1.5,
    }
    text = 'quote " back \\ {{query}} \ud800'
    filled = fill(template, text)
    one, two = (next(iter(part["match"].values())) for part in filled["query"]["bool"]["should"])
    assert one == 'quote " back \\ {{query}} \N{REPLACEMENT CHARACTER}' and two == f"x {one} y" and filled["n"] == 1.5
    assert json.loads(json.dumps(filled)) == filled and "{{query}}" in json.dumps(template)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[]", "not a search body"),
        ('{"retriever": "{{query}}"}', "its retriever is"),
        ('{"knn": ["{{query}}"]}', "its knn is"),
        ('{"query": ' + '{"bool": {"must": ' * 300 + '{"match": {"a": "{{query}}"}}' + "}}" * 300 + "}", "not JSON"),
        ('{"size": 3}', "not a search body"),
        ('{"query": {"match_all": {}}}', "has no {{query}}"),
        ('{"query": {"match": {"a": {{query}}}}}', "not JSON"),
        ('{"query": {"match": {"a": "{{query}}"}}, "from": 3}', "'from'"),
    ],
)
def test_a_body_that_cannot_be_used_gives_a_reason(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(SettingsError) as error:
        read_template(str(tmp_path / "b.json"))
    assert part in str(error.value)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_template(str(tmp_path))


def test_a_body_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(b'\xef\xbb\xbf{"query": {"match": {"a": "{{query}}"}}}')
    assert read_template(str(tmp_path / "b.json"))["query"]


@pytest.mark.parametrize("placeholder", ["{{query}}", "{{ query }}", "{{query }}", "{{\\tquery\\n}}"])
def test_blanks_inside_the_braces_of_a_placeholder_do_not_matter(tmp_path: Path, placeholder: str) -> None:
    (tmp_path / "b.json").write_text('{"query": {"match": {"title": "' + placeholder + '"}}}')
    body = read_template(str(tmp_path / "b.json"))
    assert fill(body, r"soup \1 \g<0>") == {"query": {"match": {"title": r"soup \1 \g<0>"}}}


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"match": {"titel": "x"}}, ["titel"]),
        ({"match": {"titel": {"query": "x"}}}, ["titel"]),
        ({"bool": {"must": [{"multi_match": {"query": "x", "fields": ["a^2", "b*"]}}]}}, ["a^2", "b*"]),
        ({"bool": {"filter": {"term": {"kind": "x"}}, "should": {"exists": {"field": "y"}}}}, ["kind", "y"]),
        ({"nested": {"path": "said", "query": {"match": {"said.text": "x"}}}}, ["said", "said.text"]),
        ({"terms": {"kind": ["a"], "boost": 2.0}}, ["kind"]),
        ({"function_score": {"query": {"query_string": {"default_field": "a"}}, "functions": []}}, ["a"]),
        ({"knn": {"field": "v", "query_vector": [1.0], "filter": {"term": {"kind": 1}}}}, ["v", "kind"]),
        ({"dis_max": {"queries": [{"match_phrase": {"a": "x"}}, {"range": {"n": {"gt": 1}}}]}}, ["a", "n"]),
        ({"match_all": {}}, []),
    ],
)
def test_the_fields_that_a_query_names_are_found(query: dict[str, Any], fields: list[str]) -> None:
    assert list(named_fields(query)) == fields


@pytest.mark.parametrize(
    "query",
    [
        {"match": {"title": "x"}},
        {"multi_match": {"query": "x", "fields": ["title^3", "bo*", "body"]}},
        {"term": {"_id": "7"}},
        {"term": {"labels.env": "prod"}},
        {"match": {"of_the_body": "x"}},
        {"match": {"{{query}}": "x"}},
        {"query_string": {"query": "titel:x"}},
    ],
)
def test_a_body_that_names_existing_fields_is_accepted(query: dict[str, Any]) -> None:
    check_fields({"query": query, "runtime_mappings": {"of_the_body": {"type": "keyword"}}}, TYPES, "ix", "b.json")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"query": {"match": {"titel": "x"}}}, "b.json: ix has no field 'titel'; did you mean title?"),
        ({"knn": [{"field": "qqq"}]}, "b.json: ix has no field 'qqq'; its text fields are body, said.text, title"),
        (
            {"retriever": {"standard": {"query": {"match": {"bdoy": "x"}}}}},
            "b.json: ix has no field 'bdoy'; did you mean body?",
        ),
    ],
)
def test_a_misspelt_field_of_a_body_is_an_error_and_not_an_empty_result(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError) as error:
        check_fields(body, TYPES, "ix", "b.json")
    assert str(error.value) == f"query_file: {reason}"


MIXED = {
    **dict.fromkeys(("author", "body", "body_de", "title", "text_en"), {"text"}),
    **{"body.english": {"text"}, "said": {"nested"}, "said.text": {"text"}, "kind": {"keyword"}, "v": {"dense_vector"}},
}
Q = "{{query}}"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"query": {"multi_match": {"query": Q, "fields": ["title^3", "body"]}}}, ["body", "title"]),
        ({"query": {"multi_match": {"query": Q, "fields": ["body*^2"]}}}, ["body", "body_de"]),
        ({"query": {"match": {"body.english": {"query": Q}}}}, ["body"]),
        ({"query": {"nested": {"path": "said", "query": {"match": {"said.text": Q}}}}}, ["said.text"]),
        ({"query": {"bool": {"must": {"match": {"body": Q}}, "filter": {"match": {"author": Q}}}}}, ["body"]),
        ({"query": {"bool": {"must": {"match": {"body": Q}}, "should": {"match": {"author": "Ada"}}}}}, ["body"]),
        ({"query": {"match": {"kind": Q}}}, []),
        ({"query": {"query_string": {"query": f"body:{Q}"}}}, []),
        ({"query": {"multi_match": {"query": Q, "fields": ["*"]}}}, []),
        ({"knn": {"field": "v", "k": 3, "query_vector_builder": {"text_embedding": {"model_text": Q}}}}, []),
        ({"retriever": {"standard": {"query": {"match": {"text_en": Q}}}}}, ["text_en"]),
        ({"query": {"match": {"body": Q}}, "rescore": {"query": {"match": {"author": Q}}}}, ["body"]),
    ],
)
def test_the_fields_searched_for_the_words_of_the_query_are_found(body: dict[str, Any], fields: list[str]) -> None:
    assert searched_texts(body, MIXED) == fields
