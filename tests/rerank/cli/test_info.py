"""`resift info`: what is known about an index, for people and for programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from resift.retrieval.registry import DESCRIBERS, RETRIEVERS
from tests.rerank.cli.invoke import assert_one_line, invoke

DOCUMENTS = [
    {"id": "a", "title": "Suppe", "text": "Linsen und Zwiebeln.", "url": "https://a.example/1", "sku": 7},
    {
        "id": "b",
        "text": "Vier Schüsseln.",
        "sku": "8-x",
        "tags": ["a"],
        "by": {"name": "Ann"},
        "new": True,
        "gone": None,
    },
]


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("info")
    (folder / "recipes.jsonl").write_text("".join(json.dumps(document) + "\n" for document in DOCUMENTS))
    done = invoke("index", str(folder / "recipes.jsonl"), "--to", f"bm25:{folder / 'index'}", "--language", "german")
    assert done.code == 0, done.err
    return f"bm25:{folder / 'index'}"


def test_every_kind_of_index_can_be_described() -> None:
    assert DESCRIBERS.keys() == RETRIEVERS.keys()


def test_json_has_documents_fields_language_size_and_time(recipes: str) -> None:
    found = json.loads(invoke("info", recipes, "--json").out)
    folder = Path(recipes.removeprefix("bm25:"))
    assert (found["address"], found["documents"], found["language"]) == (recipes, 2, "german")
    assert found["fields"] == {
        "title": "text (german)",
        "text": "text (german)",
        "url": "text",
        "sku": "number/text",
        "tags": "list",
        "by": "object",
        "new": "true or false",
    }
    assert found["bytes"] == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["created"])
    assert found["details"]["made by"] == "resift 0.1.0"


def test_a_folder_is_described_like_its_address(recipes: str) -> None:
    assert invoke("info", recipes.removeprefix("bm25:")).out == invoke("info", recipes).out


def test_people_get_a_line_for_each_fact_and_field(recipes: str) -> None:
    lines = [line.split(maxsplit=1) for line in invoke("info", recipes).out.splitlines()]
    for line in (["documents", "2"], ["language", "german"], ["7", "fields:"], ["sku", "number/text"]):
        assert line in lines


@pytest.mark.parametrize("columns", [40, 60])
def test_the_facts_fit_a_narrow_terminal(tmp_path: Path, columns: int) -> None:
    record = {"id": "1", "text": "soup", "a-rather-long-name-of-a-field-that-no-column-has-room-for": 1}
    (tmp_path / "one.jsonl").write_text(json.dumps(record) + "\n")
    place = tmp_path / "index"
    assert invoke("index", str(tmp_path / "one.jsonl"), "--to", f"bm25:{place}").code == 0
    done = invoke("info", f"bm25:{place}", env={"COLUMNS": str(columns)})
    assert "documents" in done.out and "1" in done.out.split()
    long = [line for line in done.out.splitlines() if len(line) > columns]
    assert [line.strip() for line in long] == [name for name in [list(record)[2]] if len(name) + 2 > columns]


def test_an_index_that_does_not_exist_or_is_damaged_gives_one_line(tmp_path: Path, recipes: str) -> None:
    assert_one_line(invoke("info", f"bm25:{tmp_path}"), 1, "is not an index")
    assert_one_line(invoke("info", "articles"), 2, "expected bm25:PATH")
    assert_one_line(invoke("info", recipes, "--ca-certs", "x.pem"), 2, "--ca-certs")
