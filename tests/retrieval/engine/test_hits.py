"""Hits as documents: fields of any shape become one text, and irregular documents are counted."""

from __future__ import annotations

from typing import Any

import pytest

from resift.retrieval.engine.fields import Fields
from resift.retrieval.engine.hits import LONGEST_TEXT, HitReader
from resift.retrieval.types import Document


def read(source: dict[str, Any], *text: str, **more: Any) -> tuple[Document, HitReader]:
    reader = HitReader(Fields((), "title", text or ("text",), {}, "", ("kind",)))
    return reader.read({"_id": "1", "_index": "i", "_source": source, **more}), reader


@pytest.mark.parametrize(
    ("source", "names", "text"),
    [
        ({"text": "one"}, ("text",), "one"),
        ({"text": ["one", ["two", 3, None, ""]]}, ("text",), "one\ntwo\n3"),
        ({"text": {"a": "one", "b": ["two"]}}, ("text",), "one\ntwo"),
        ({"a": [{"b": "one"}, {"b": "two"}, {"c": "no"}]}, ("a.b",), "one\ntwo"),
        ({"a.b": "one", "a": {"b": "two"}}, ("a.b",), "one\ntwo"),
        ({"a": {"b.c": "one"}}, ("a.b.c",), "one"),
        ({"text": {"text": "one", "inference": {"chunks": [0.1, 0.2]}}}, ("text",), "one"),
        ({"x": "one", "y": "two"}, ("y", "x"), "two\none"),
        ({"text": True}, ("text",), "True"),
    ],
)
def test_fields_of_any_shape_become_one_text(source: dict[str, Any], names: tuple[str, ...], text: str) -> None:
    assert read(source, *names)[0].text == text


def test_a_title_and_other_fields_are_kept_separate() -> None:
    document, _ = read({"title": ["Red", "soup"], "text": "x", "kind": ["a", "b"]})
    assert (document.title, document.fields) == ("Red soup", {"_index": "i", "kind": ["a", "b"]})


def test_values_outside_the_source_are_read_too() -> None:
    assert read({}, fields={"text": ["one", "two"]})[0].text == "one\ntwo"


def test_a_text_is_what_the_engine_stores_with_its_tags() -> None:
    assert read({"text": "<p>Red &amp; green</p>"})[0].text == "<p>Red &amp; green</p>"


def test_irregular_documents_are_counted_and_reported() -> None:
    reader = HitReader(Fields((), "", ("text",), {}))
    for text in ("", "y" * (LONGEST_TEXT + 1), "fine"):
        reader.read({"_id": "1", "_source": {"text": text}})
    reader.read({"_id": "2"})
    assert [reader.counts[name] for name in ("empty", "long")] == [2, 1]
    assert [note.rsplit(": ", 1)[1] for note in reader.notes()] == ["2", "1"]
