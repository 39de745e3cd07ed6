"""`resift export` writes a folder, reports how exact it is, and takes pairs from training data of any form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resift.rerank.cli.main import run
from resift.rerank.training.examples import Contrast, Example, LabelledList, LabelledPair, Pair, write_examples
from resift.rerank.training.export.pairs import pairs_of, read_pairs
from tests.rerank.scorers.small_models import save_family
from tests.rerank.training.export.exports import pairs_of_texts


def test_the_command_writes_a_folder_and_reports_its_parity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_examples(tmp_path / "pairs.jsonl", [Pair(*pair) for pair in pairs_of_texts()])
    given = ["export", str(save_family("bert", tmp_path / "model")), str(tmp_path / "made")]
    given += ["--pairs", str(tmp_path / "pairs.jsonl"), "--int8-only"]
    assert run([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["int8"]["order"] > 0.9 and found["float32"]["largest"] < 1e-4
    assert (tmp_path / "made" / "model.onnx").stat().st_size == found["int8_bytes"]
    assert run(given) == 2
    assert "is not empty; choose another folder, or use --overwrite" in capsys.readouterr().err
    assert run([*given, "--overwrite"]) == 0
    assert "of the pairs of documents in the same order (32 pairs)" in " ".join(capsys.readouterr().out.split())


def test_too_few_pairs_are_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_examples(tmp_path / "pairs.jsonl", [Pair("cat", "dog")])
    assert run(["export", str(tmp_path), str(tmp_path / "made"), "--pairs", str(tmp_path / "pairs.jsonl")]) == 2
    assert "pairs: 1 different pairs were given; expected 32 or more" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_every_form_of_training_data_gives_pairs() -> None:
    examples: list[Example] = [
        Pair("a", "b"),
        LabelledPair("a", "c", 0.0),
        Contrast("a", "d", ("e", "f")),
        LabelledList("g", ("h", "i"), (1.0, 0.0)),
    ]
    expected = [("a", "b"), ("a", "c"), ("a", "d"), ("a", "e"), ("a", "f"), ("g", "h"), ("g", "i")]
    assert list(pairs_of(examples)) == expected


def test_pairs_are_drawn_from_the_whole_file_and_the_same_each_time(tmp_path: Path) -> None:
    write_examples(tmp_path / "pairs.jsonl", [Pair("query", f"document {number}") for number in range(3000)])
    drawn = read_pairs(tmp_path / "pairs.jsonl", 300)
    assert len(set(drawn)) == 300 and drawn == read_pairs(tmp_path / "pairs.jsonl", 300)
    numbers = [int(document.split()[1]) for _, document in drawn]
    assert 1300 < sum(numbers) / 300 < 1700 and max(numbers) > 2900
