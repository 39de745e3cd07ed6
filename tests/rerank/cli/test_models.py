"""`resift models` lists what can be named, for people and for programs, at any width."""

from __future__ import annotations

import json
import re

import pytest

from resift.rerank.cli.main import run
from resift.rerank.scorers.recommended import RECOMMENDED
from resift.rerank.scorers.registry import DEFAULT_MODEL, MODELS
from resift.retrieval.extras import install_line


def test_it_shows_each_model_and_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--no-speed"]) == 0
    shown = capsys.readouterr().out
    assert f"  {DEFAULT_MODEL} (the default)\n" in shown
    assert all(f"\n  {name}" in shown for name in [*MODELS, *(model.name for model in RECOMMENDED)])
    assert install_line("gpu") in shown and "hf download cross-encoder/" in shown


def test_it_measures_the_models_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    shown = capsys.readouterr().out
    package, _, _ = shown.partition("On the Hugging Face Hub")
    assert len(re.findall(r"\d s for 100 candidates of 100 words on this machine", package)) == len(MODELS)
    assert run(["models", "--no-speed"]) == 0
    assert "candidates" not in capsys.readouterr().out


def test_json_has_all_facts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {model["name"] for model in found["package"]} == {*MODELS}
    assert all(model["seconds"] > 0 and model["precision"] in ("", "int8", "float32") for model in found["package"])
    assert {model["gpu"] for model in found["hub"]} <= {"not needed", "better", "needed"}
    assert [model["name"] for model in found["hub"]] == [model.name for model in RECOMMENDED]
    for model in found["hub"]:
        assert model["download"] == f"hf download {model['name']} --local-dir FOLDER"
        assert model["install"] == install_line("gpu") and model["megabytes"] > 0 and model["languages"]


def test_a_language_that_no_embedded_model_reads_leaves_those_of_the_hub(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--language", "DE"]) == 0
    shown = capsys.readouterr().out
    assert "In the package: none for this language." in shown
    assert "BAAI/bge-reranker-v2-m3" in shown and "ms-marco" not in shown


def test_facts_fit_a_narrow_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert run(["models", "--no-speed"]) == 0
    facts = [line for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    assert len(facts) > 8 and max(map(len, facts)) <= 60
