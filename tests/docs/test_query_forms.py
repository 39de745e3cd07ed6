"""The examples of docs/queries-and-judgements.md are read, and those of one part have the same content."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resift.indexer.corpora import read_queries
from resift.rerank.requests import read_requests
from resift.retrieval.trec import read_qrels, read_run
from resift.retrieval.types import Query

PAGE = (Path(__file__).parents[2] / "docs" / "queries-and-judgements.md").read_text(encoding="utf-8")
BLOCKS = [tuple(block) for block in re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]
READERS: dict[str, tuple[Callable[[Path], Any], Any]] = {
    "queries": (
        lambda path: list(read_queries(path)),
        [Query("1", "lentil soup"), Query("2", "meal without cooking")],
    ),
    "judgements": (read_qrels, {"1": {"r1": 2}, "2": {"r3": 0}}),
    "run": (read_run, {"1": {"r1": -1.0, "r2": -2.0}}),
}


@pytest.mark.parametrize(("part", "name", "content"), [block for block in BLOCKS if block[0] in READERS])
def test_examples_of_one_part_have_the_same_content(tmp_path: Path, part: str, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    read, right = READERS[part]

    assert read(tmp_path / name) == right


def test_each_rerank_request_is_read() -> None:
    [content] = [content for part, _, content in BLOCKS if part == "requests"]

    assert [request.ranking.query.text for request in read_requests(content.encode().splitlines(), "page")] == [
        "soup"
    ] * 5
    assert {part for part, _, _ in BLOCKS} == {*READERS, "requests"}
