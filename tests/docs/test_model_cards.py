"""Every model in the package has a card that says what made it, what it reaches, and whose data it learned from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resift.rerank.scorers.lookup import EMBEDDED_FOLDER
from resift.rerank.scorers.registry import MODELS
from resift.rerank.training.record import read_record
from scripts.train_ladder.settings import COLLECTIONS, DEV, PAIRS, RUNS, WEB

LARGEST = {"resift-base": 25, "resift-small": 20, "resift-tiny": 6}
"""Name -> the most megabytes (10^6 bytes) of its folder."""


def folder_of(name: str) -> Path:
    return EMBEDDED_FOLDER / MODELS[name]


def test_the_package_has_the_models_that_the_ladder_trains() -> None:
    assert set(MODELS) == set(LARGEST) == {name for run in RUNS.values() for name in run.students}


@pytest.mark.parametrize("name", LARGEST)
def test_a_model_is_as_small_as_it_is_meant_to_be_and_has_a_proof(name: str) -> None:
    folder = folder_of(name)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= LARGEST[name] * 1_000_000
    assert len(json.loads((folder / "proof.json").read_text(encoding="utf-8"))["pairs"]) == 32


@pytest.mark.parametrize("name", LARGEST)
def test_a_card_names_the_teacher_the_data_the_dev_figures_and_no_folder_of_a_machine(name: str) -> None:
    folder = folder_of(name)
    card, own = (folder / "README.md").read_text(encoding="utf-8"), json.loads((folder / "resift.json").read_text())
    record = read_record(folder)
    assert record is not None and record.model.name == name and record.model.licence == "apache-2.0"
    for teacher in record.teachers:
        assert Path(teacher.name).name in card
    for one in (*PAIRS.values(), *COLLECTIONS.values()):
        assert one.makers in card and one.licence in card
    assert set(own["dev"]) == {f"{one}-dev" for one in (*DEV, WEB)}
    for figures in own["dev"].values():
        assert f"{figures['fused']:.4f}" in card
    for text in (card, json.dumps(own), (folder / "training.json").read_text(encoding="utf-8")):
        assert "/root" not in text and "/home" not in text and "/work" not in text


@pytest.mark.parametrize("name", LARGEST)
def test_the_fusion_and_the_verdict_were_found_on_dev_queries(name: str) -> None:
    own = json.loads((folder_of(name) / "resift.json").read_text(encoding="utf-8"))
    assert own["gate"]["passed"] and 0 < own["fusion"]["weight"] <= 1
