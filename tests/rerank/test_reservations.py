"""A model that a search does not use, or that did not pass its gate, is named as such after the results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resift.rerank.scorers.lookup import find_folder
from resift.rerank.scorers.resift_file import update_resift_file
from resift.rerank.scorers.settings import ScorerSettings
from tests.rerank.cli.invoke import invoke

FAILED = {"passed": False, "forced": False, "reasons": ["it is worse than its base on med-dev.", "another reason"]}


@pytest.fixture
def index(tmp_path: Path) -> str:
    """Return an index of two documents."""
    (tmp_path / "corpus.csv").write_text("id,text\na,Cats eat fish\nb,Cats sleep all day\n")
    assert invoke("index", str(tmp_path / "corpus.csv"), "--to", f"bm25:{tmp_path / 'index'}").code == 0
    return f"bm25:{tmp_path / 'index'}"


def model(folder: Path, **parts: Any) -> str:  # noqa: ANN401 - members of a JSON object
    """Return the smallest embedded model with `parts` of resift.json in their stead."""
    own = folder / "my-model"
    own.mkdir()
    for file in find_folder("resift-tiny", ScorerSettings()).iterdir():
        if file.name != "resift.json":
            (own / file.name).symlink_to(file)
    update_resift_file(own, parts)
    return str(own)


def test_a_model_with_the_weight_0_is_named_as_unused(index: str, tmp_path: Path) -> None:
    own = model(tmp_path, fusion={"kind": "zscore-read", "weight": 0.0})
    found = invoke("search", index, "what do cats eat", "--model", own)
    assert found.code == 0
    assert f"note: {own} is not used: beside the first stage it has the weight 0 (fitted for the model)" in found.err
    assert "not used" not in invoke("search", index, "cats", "--model", own, "--fusion-weight", "0.5").err
    assert "not used" not in invoke("search", index, "cats", "--model", own, "--quiet").err


@pytest.mark.parametrize("command", ["search", "run", "compare"])
def test_a_model_that_failed_its_gate_is_named_with_the_first_reason(index: str, tmp_path: Path, command: str) -> None:
    own = model(tmp_path, gate=FAILED)
    queries = tmp_path / "queries.txt"
    queries.write_text("what do cats eat\n")
    given = {
        "search": ["cats"],
        "run": ["--queries", str(queries), "--output", "-"],
        "compare": ["--queries", str(queries)],
    }[command]
    found = invoke(command, index, *given, "--model", own)
    assert found.code == 0
    assert f"note: {own} did not pass the gate after its training: it is worse than its base on med-dev\n" in found.err


@pytest.mark.parametrize("gate", [{**FAILED, "forced": True}, {"passed": True}, {}, ["damaged"], None])
def test_nothing_is_said_of_a_model_that_passed_or_was_forced(index: str, tmp_path: Path, gate: object) -> None:
    assert "gate" not in invoke("search", index, "cats", "--model", model(tmp_path, gate=gate)).err


def test_nothing_is_said_without_a_model_and_of_the_default(index: str) -> None:
    assert "note: " not in invoke("search", index, "cats eat", "--model", "none").err
    assert "note: " not in invoke("search", index, "cats eat").err
