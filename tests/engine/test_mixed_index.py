"""An index with authors, comments, ids and fields in several languages: what is searched and read by default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.searching import Fill, hits, ids
from tests.rerank.cli.invoke import invoke

pytestmark = pytest.mark.engine

ARTICLES: dict[str, dict[str, object]] = {
    "1": {
        "title": "Lentil soup",
        "body": "Simmer the lentils with cumin and an onion until they are soft, and add salt at the end.",
        "author": "Salad Miller",
        "comments": [{"text": "My salad was better than this soup, which I did not like at all."}],
        "source_link": "https://example.org/recipes/1",
        "shelf": "A 12",
    },
    "2": {
        "title": "Green salad",
        "body": "Wash the leaves, dry them well, and dress them with oil, vinegar and a little bit of mustard.",
        "author": "Ada Lentil",
        "comments": [{"text": "It is good with the lentils of last week, and with a slice of bread."}],
        "source_link": "https://example.org/recipes/2",
        "shelf": "B 3",
    },
}
NESTED: dict[str, object] = {"properties": {"comments": {"type": "nested"}}}


def notes(target: str, query: str, *options: str) -> str:
    done = invoke("search", target, query, "--model", "none", *options)
    assert done.code == 0, done.err
    return str(done.err)


def test_authors_comments_and_addresses_are_neither_searched_nor_read(filled: Fill) -> None:
    target = filled(ARTICLES, NESTED)
    assert ids(target, "lentils") == {"1"} and ids(target, "salad") == {"2"}
    [found] = hits(target, "lentils", "--model", "none")
    assert found["title"] == "Lentil soup" and found["text"] == ARTICLES["1"]["body"]
    said = notes(target, "lentils")
    assert "searched and read: title (title), body;" in said
    assert "author, comments.text, source_link (by its name)" in said and "shelf (short values)" in said


def test_fields_that_the_user_names_are_searched_and_read_as_named(filled: Fill) -> None:
    target = filled(ARTICLES, NESTED)
    assert ids(target, "lentils", "--field", "comments.text") == {"2"}
    assert "searched and read" not in notes(target, "lentils", "--field", "comments.text")
    assert ids(target, "miller", "--field", "author,body") == {"1"}


TRANSLATED: dict[str, dict[str, object]] = {
    "1": {
        "title_en": "Bread",
        "body_en": "Heat the oven, and bake the bread for forty minutes until it is brown.",
        "title_de": "Brot",
        "body_de": "Den Ofen vorheizen und das Brot vierzig Minuten backen, bis es braun ist.",
    },
    "2": {
        "title_en": "Salt",
        "body_en": "It is in the sea and in the mines, and there is no soup that can do without it.",
        "title_de": "Salz",
        "body_de": "Es ist im Meer und in den Bergwerken, und keine Suppe kommt ohne das aus.",
    },
}


def test_of_fields_in_two_languages_those_of_the_model_are_used(filled: Fill) -> None:
    target = filled(TRANSLATED, {"properties": {"body_de": {"type": "text", "analyzer": "german"}}})
    done = invoke("search", target, "braun bread", "--json")  # the default model reads English
    [found] = json.loads(done.out)["hits"]
    assert (found["doc_id"], found["title"], found["text"]) == ("1", "Bread", TRANSLATED["1"]["body_en"])
    assert "searched and read: title_en (title), body_en; not used: body_de, title_de (German)" in done.err
    assert "seem to be" not in done.err


def test_without_a_model_all_languages_are_used_and_named(filled: Fill) -> None:
    target = filled(TRANSLATED)
    assert ids(target, "braun") == {"1"} and ids(target, "mines") == {"2"}
    said = notes(target, "braun")
    assert "in several languages" in said and "body_de (German)" in said and "body_en (English)" in said


def test_an_index_of_other_fields_alone_is_searched_in_them(filled: Fill) -> None:
    target = filled({"1": {"author": "Ada Lovelace", "tags": ["engine", "notes"]}})
    assert ids(target, "lovelace") == ids(target, "engine") == {"1"}


def test_an_index_without_text_names_its_fields_and_the_option(filled: Fill) -> None:
    mapping: dict[str, Any] = {"properties": {"sku": {"type": "keyword"}, "price": {"type": "float"}}}
    target = filled({"1": {"sku": "A-1", "price": 3.5}}, mapping)
    done = invoke("search", target, "A-1", "--model", "none")
    assert done.code == 1 and "no text field" in done.error_line
    assert "sku (keyword)" in done.error_line and "--field" in done.error_line
    assert ids(target, "A-1", "--field", "sku") == {"1"}


def test_a_german_index_is_said_not_to_be_the_models_language(filled: Fill) -> None:
    target = filled({doc_id: {"body": source["body_de"]} for doc_id, source in TRANSLATED.items()})
    done = invoke("search", target, "Brot backen")
    assert done.code == 0 and "German" in done.err and "English" in done.err


def test_with_a_search_body_the_model_reads_the_fields_that_it_searches(filled: Fill, tmp_path: Path) -> None:
    target = filled(ARTICLES, NESTED)
    body = tmp_path / "body.json"
    body.write_text('{"query": {"multi_match": {"query": "{{query}}", "fields": ["title^2", "body"]}}}')
    [found] = hits(target, "lentils", "--model", "none", "--query-file", str(body))
    assert (found["title"], found["text"]) == ("Lentil soup", ARTICLES["1"]["body"])
    said = notes(target, "lentils", "--query-file", str(body))
    assert "fields read: title (title), body; not read: author, comments.text" in said
    [found] = hits(target, "lentils", "--model", "none", "--query-file", str(body), "--source-text", "author")
    assert found["text"] == "Salad Miller"
    body.write_text('{"query": {"query_string": {"query": "body:({{query}})"}}}')
    [found] = hits(target, "lentils", "--model", "none", "--query-file", str(body))
    assert found["text"] == ARTICLES["1"]["body"]
    assert "fields read: title (title), body; not read: author" in notes(target, "lentils", "--query-file", str(body))
