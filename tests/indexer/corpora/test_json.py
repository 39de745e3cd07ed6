"""JSON corpora in every layout that programs write: lines, arrays, objects around an array, dumps of an engine."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from resift.indexer.corpora import read_documents
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document
from tests.indexer.corpora.corpus_files import read_with_notes, write

ROWS: list[dict[str, Any]] = [
    {"id": "a", "title": "Cats", "text": 'the "cat" [sat]'},
    {"id": 2, "text": "a {dog}\nran"},
]
DOCUMENTS = [Document("a", 'the "cat" [sat]', "Cats"), Document("2", "a {dog}\nran")]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\ufeff\n " + json.dumps(ROWS, indent="\t"),
        "[" + ",\n".join(json.dumps(row) for row in ROWS) + "]\n",
        "[\n" + ",\n".join(json.dumps(row) for row in ROWS) + ",\n]",
        json.dumps({"count": 2, "docs": ROWS}),
        json.dumps({"version": {"major": 1}, "docs": ROWS}, indent=1),
        json.dumps({"data": {"items": ROWS}}, indent=1),
        "\n".join(json.dumps(row, indent=2) for row in ROWS),
        "\n".join(json.dumps(row) for row in ROWS),
        json.dumps({"hits": {"total": {"value": 2}, "hits": [{"_id": row["id"], "_score": 1, "_source": row} for row in ROWS]}}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["c.json", "c.jsonl"])
def test_every_layout_of_json_gives_its_objects(tmp_path: Path, name: str, content: str) -> None:
    found, notes = read_with_notes(write(tmp_path / name, content), fields="")

    assert (found, notes) == (DOCUMENTS, [])


def test_names_of_an_object_of_objects_are_the_ids(tmp_path: Path) -> None:
    content = json.dumps({"d1": {"text": "one"}, "d2": {"text": "two", "title": "T"}}, indent=2)

    assert read_with_notes(write(tmp_path / "c.json", content))[0] == [
        Document("d1", "one"),
        Document("d2", "two", "T"),
    ]


def test_dump_of_an_engine_gives_what_is_in_source(tmp_path: Path) -> None:
    row = {"_index": "news", "_id": "x7", "_score": 1, "_source": {"title": "Cats", "body": "they sat", "lang": "en"}}

    assert read_with_notes(write(tmp_path / "dump.json", json.dumps(row) + "\n"))[0] == [
        Document("x7", "they sat", "Cats", {"lang": "en"})
    ]


def test_one_object_with_a_text_is_one_document_whatever_lists_it_has(tmp_path: Path) -> None:
    row = {"id": "a", "text": "words", "tags": [{"name": "x"}]}
    for content in (json.dumps(row), json.dumps(row, indent=2)):
        assert read_with_notes(write(tmp_path / "c.json", content))[0] == [
            Document("a", "words", fields={"tags": [{"name": "x"}]})
        ]


def test_element_that_is_not_an_object_is_a_bad_record_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "c.json", '[\n{"id": "a", "text": "x"},\n"words",\n{"id": "b", "text": "y"}\n]')
    with pytest.raises(CorpusError, match="line 3: element 2 of the array is a JSON string; expected an object"):
        read_with_notes(path)

    assert [document.doc_id for document in read_with_notes(path, skip_bad=True)[0]] == ["a", "b"]


def test_bad_byte_makes_only_its_own_element_bad(tmp_path: Path) -> None:
    path = write(tmp_path / "c.json", b'[\n{"id": "a", "text": "caf\xe9"},\n{"id": "b", "text": "y"}\n]')

    assert [document.doc_id for document in read_with_notes(path, skip_bad=True)[0]] == ["b"]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ('[\n{"id": "a", "text": "x"},\n{"id": "b" "text": "y"}\n]', 3, "not JSON (Expecting ',' delimiter)"),
        ('[\n{"id": "a", "text": "x"}\n', 3, "the array does not end; is the file complete?"),
        ('[\n{"id": "a", "text": "x"},\n{"id": "b", "te', 3, "not JSON ("),
        ('{\n"docs": [{"x": 1}],\n"more": [{"y": 1}]}', 1, "several arrays of objects ('docs', 'more'); expected one"),
        ("[[[[", 2, "not JSON"),
        ("[" * 100_000, 1, "nested too deep"),
    ],
)
def test_json_document_that_is_broken_is_refused_at_its_line(
    tmp_path: Path, content: str, line: int, message: str
) -> None:
    path = write(tmp_path / "c.json", content)
    with pytest.raises(CorpusError) as caught:
        read_with_notes(path)

    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert message in str(caught.value)


def test_numbers_that_json_does_not_have_are_missing_values(tmp_path: Path) -> None:
    content = json.dumps({"id": "a", "text": "x", "price": float("nan"), "most": float("inf")})

    assert read_with_notes(write(tmp_path / "c.jsonl", content))[0] == [Document("a", "x")]


def test_memory_stays_flat_while_an_array_is_read(tmp_path: Path) -> None:
    text, count = "word " * 400, 2500
    rows = ", ".join(f'{{"id": {number}, "text": "{text}"}}' for number in range(count))
    path = write(tmp_path / "c.json", "[\n" + rows.replace("}, ", "},\n") + "\n]")
    tracemalloc.start()
    try:
        found = sum(1 for _ in read_documents(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == count
    assert peak < path.stat().st_size / 3
