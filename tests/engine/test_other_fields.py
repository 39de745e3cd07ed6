"""The other fields of an engine's documents in JSON and in the table, equal to those of the embedded index."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.searching import hits
from tests.rerank.cli.invoke import assert_one_line, invoke

pytestmark = pytest.mark.engine

RECORDS = [
    {"id": "1", "title": "Soup", "text": "Simmer red lentils.", "url": "https://a.example/1", "sku": 7, "on": True},
    {"id": "2", "title": "Bowls", "text": "Four bowls for soup.", "tags": ["a", "b"], "by": {"name": "Ann"}},
]


@pytest.mark.parametrize("passages", ["0", "50"])
def test_an_index_has_the_same_fields_as_the_embedded_one(tmp_path: Path, target: str, passages: str) -> None:
    (tmp_path / "shop.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    embedded = f"bm25:{tmp_path / 'index'}"
    cut = ["--state", str(tmp_path / "state"), *(["--passage-words", passages] if passages != "0" else [])]
    for place, flags in ((target, cut), (embedded, [])):
        done = invoke("index", str(tmp_path / "shop.jsonl"), "--to", place, *flags)
        assert done.code == 0, done.err
    fields = [
        {hit["doc_id"]: hit["fields"] for hit in hits(place, "soup lentils", "--model", "none")}
        for place in (embedded, target)
    ]
    assert fields[0] == fields[1]
    assert fields[0]["1"] == {"url": "https://a.example/1", "sku": 7, "on": True}


def test_fields_of_any_index_are_shown_without_its_texts_and_vectors(filled: Callable[..., str]) -> None:
    mapping = {"properties": {"body": {"properties": {"main": {"type": "text"}}}, "sku": {"type": "keyword"}}}
    document = {"title": "Soup", "body": {"main": "Red lentils.", "pages": 2}, "sku": "x7", "by": [{"name": "Ann"}]}
    index = filled({"1": document}, mapping)
    [hit] = hits(index, "lentils", "--source-text", "body.main", "--model", "none")
    assert hit["fields"] == {"body": {"pages": 2}, "sku": "x7", "by": [{"name": "Ann"}]}
    assert hit["index"] == index.rsplit("/", 1)[-1]
    out = invoke("search", index, "lentils", "--show", "sku", "--show", "by.name", "--model", "none").out
    assert "sku: x7" in out and "by.name: Ann" in out
    assert_one_line(invoke("search", index, "lentils", "--show", "skus"), 2, "'skus'", "did you mean sku?")


def test_a_table_fetches_only_what_is_read(filled: Callable[..., str]) -> None:
    index = filled({"1": {"title": "Soup", "text": "Red lentils.", "sku": "x7"}})
    assert invoke("search", index, "lentils", "--model", "none").code == 0
    by_json = hits(index, "lentils", "--template", "{text} {sku}")
    [hit] = by_json
    assert hit["fields"] == {"sku": ["x7"]}
