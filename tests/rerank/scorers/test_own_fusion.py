"""The fusion in a model's resift.json: read, refused where it is damaged, and written without losing anything."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from resift.rerank.scorers.hub import CONFIGURATION
from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.lookup import find_folder
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.own_fusion import OwnFusion
from resift.rerank.scorers.resift_file import update_resift_file
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.errors import ModelError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The default model's folder, without a resift.json."""
    for file in find_folder("default", ScorerSettings()).rglob("*"):
        if file.is_file() and file.name != "resift.json":
            (tmp_path / file.name).symlink_to(file)
    return tmp_path


def test_a_folder_without_the_file_has_no_fusion_of_its_own(folder: Path) -> None:
    assert read_folder(folder).fusion is None and read_folder(folder).resift == {}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"kind": "zscore", "weight": 0.85}, OwnFusion("zscore", 0.85)),
        ({"kind": "zscore", "weight": 0}, OwnFusion("zscore", 0.0)),
        ({"kind": "none"}, OwnFusion("none", 1.0)),
        ({"kind": "none", "weight": 1, "fitted": {"queries": 50}}, OwnFusion("none", 1.0)),
    ],
)
def test_the_fusion_of_the_file_is_that_of_the_loaded_model(
    folder: Path, written: dict[str, object], expected: OwnFusion
) -> None:
    (folder / "resift.json").write_text(json.dumps({"fusion": written, "dev": {}}))
    assert load_scorer(str(folder)).fusion == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "cannot be read as JSON"),
        ("[1]", "not a JSON object"),
        ('{"fusion": 0.5}', '"fusion" is 0.5'),
        ('{"fusion": {"kind": "rrf", "weight": 0.5}}', "rrf"),
        ('{"fusion": {"kind": ["zscore"], "weight": 0.5}}', '"zscore-read" or "none"'),
        ('{"fusion": {"kind": "zscore"}}', "a number from 0 to 1"),
        ('{"fusion": {"kind": "zscore", "weight": 1.5}}', "1.5"),
        ('{"fusion": {"kind": "zscore", "weight": -0.1}}', "-0.1"),
        ('{"fusion": {"kind": "zscore", "weight": NaN}}', "NaN"),
        ('{"fusion": {"kind": "zscore", "weight": true}}', "true"),
        ('{"fusion": {"kind": "zscore", "weight": "0.5"}}', "a number from 0 to 1"),
        ('{"fusion": {"kind": "none", "weight": 0.3}}', "the model alone, weight 1"),
    ],
)
def test_a_damaged_fusion_is_an_error_of_the_model_that_says_what_was_expected(
    folder: Path, content: str, words: str
) -> None:
    (folder / "resift.json").write_text(content)
    with pytest.raises(ModelError) as caught:
        load_scorer(str(folder))
    assert words in str(caught.value) and "resift.json" in str(caught.value) and str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_file_is_downloaded_with_a_model_of_the_hub() -> None:
    assert "resift.json" in CONFIGURATION


def test_an_update_keeps_what_others_wrote_and_removes_what_is_none(tmp_path: Path) -> None:
    update_resift_file(tmp_path, {"dev": {"med": {"bm25": 0.68}}, "gate": {"passed": True}})
    update_resift_file(tmp_path, {"fusion": OwnFusion("none", 1.0).as_json(), "gate": None})
    content = json.loads((tmp_path / "resift.json").read_text())
    assert content == {"dev": {"med": {"bm25": 0.68}}, "fusion": {"kind": "none", "weight": 1.0}}
    assert os.listdir(tmp_path) == ["resift.json"]


def test_an_update_never_overwrites_a_file_that_it_cannot_read_and_writes_only_json(tmp_path: Path) -> None:
    file = tmp_path / "resift.json"
    file.write_text('{"dev": ')
    with pytest.raises(ModelError, match=r"resift\.json is not a JSON object"):
        update_resift_file(tmp_path, {"gate": {}})
    assert file.read_text() == '{"dev": '
    file.unlink()
    with pytest.raises(ValueError, match="JSON"):
        update_resift_file(tmp_path, {"dev": float("nan")})
    assert not file.exists()
