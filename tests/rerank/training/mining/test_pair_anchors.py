"""Pairs of any form of training data become one anchor for each query."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from resift.rerank.training.mining.pairs import PairAnchors
from resift.retrieval.errors import CorpusError


def written(path: Path, *rows: dict[str, object]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def read(source: str, min_grade: int = 1) -> list[tuple[str, list[tuple[str, float]], list[str], list[str]]]:
    found = PairAnchors(source, min_grade=min_grade)
    return [
        (
            one.query.text,
            [(k.text, k.grade) for k in one.positives],
            [k.text for k in one.negatives],
            [*one.excluded_texts],
        )
        for one in found
    ]


def test_the_pairs_of_a_query_are_together_also_if_they_are_apart_in_the_file(tmp_path: Path) -> None:
    source = written(
        tmp_path / "a.jsonl",
        {"query": "q1", "document": "a"},
        {"query": "q2", "document": "b"},
        {"query": "q1", "document": "c"},
        {"query": "q1", "document": "a"},
    )
    assert read(source) == [("q2", [("b", 1.0)], [], []), ("q1", [("a", 1.0), ("c", 1.0)], [], [])]
    assert (PairAnchors(source).rows, PairAnchors(source).total) == (4, 2)


def test_labels_below_the_lowest_grade_are_neither_and_zero_is_negative(tmp_path: Path) -> None:
    rows = [
        {"query": "q", "document": name, "label": label} for name, label in (("a", 3), ("b", 1), ("c", 0), ("d", -1))
    ]
    source = written(tmp_path / "a.jsonl", *rows)
    assert read(source, min_grade=2) == [("q", [("a", 3.0)], ["c", "d"], ["b"])]
    only = PairAnchors(written(tmp_path / "b.jsonl", {"query": "q", "document": "a", "label": 0}))
    assert (list(only), only.without_positive) == ([], 1)


def test_triplets_and_lists_have_their_negatives_already(tmp_path: Path) -> None:
    triplets = written(tmp_path / "a.jsonl", {"query": "q", "positive": "a", "negative_1": "b", "negative_2": "c"})
    assert read(triplets) == [("q", [("a", 1.0)], ["b", "c"], [])]
    lists = written(tmp_path / "b.jsonl", {"query": "q", "documents": ["a", "b"], "labels": [1, 0]})
    assert read(lists) == [("q", [("a", 1.0)], ["b"], [])]


def test_csv_and_standard_input_are_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("question,answer\nwhy?,because\n", encoding="utf-8")
    assert read(str(tmp_path / "a.csv")) == [("why?", [("because", 1.0)], [], [])]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"query": "q", "document": "a"}\n')))
    assert read("-") == [("q", [("a", 1.0)], [], [])]


def test_a_bad_row_is_an_error_before_any_work(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", {"query": "q", "document": "a"}, {"query": "q", "document": ""})
    with pytest.raises(CorpusError, match="line 2"):
        PairAnchors(source)
