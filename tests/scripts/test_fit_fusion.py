"""The fusion of a model, fitted on the dev sets of the ladder by a script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.stages import SearchStages
from resift.retrieval.errors import SettingsError
from scripts.evaluate_ladder.models import EvaluatedModel
from scripts.fit_fusion import dev_set, main
from tests.rerank.scorers.small_models import save_family
from tests.scripts.ladder_data import write_collection


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESIFT_SHARED", str(tmp_path / "shared"))
    write_collection(tmp_path / "shared", "small", split="dev")
    return tmp_path / "shared"


def fit(model: str, tmp_path: Path, *options: str) -> Result:
    return CliRunner().invoke(main, [model, "--cache", str(tmp_path / "cache"), *options])


def test_the_stored_fusion_is_the_one_of_a_search_and_of_the_table(shared: Path, tmp_path: Path) -> None:
    folder = save_family("bert", tmp_path / "model")
    output = tmp_path / "fit.json"
    result = fit(str(folder), tmp_path, "--set", "small@dev", "--save", "--output", str(output))
    assert result.exit_code == 0, result.output
    stored = json.loads((folder / "resift.json").read_text())["fusion"]
    assert stored["kind"] == json.loads(output.read_text())["1"]["fusion"]["kind"]
    fusion = EvaluatedModel("base", folder).fusion
    assert (fusion.kind, fusion.weight, fusion.source) == (stored["kind"], stored["weight"], "model")
    assert SearchStages(scorer=ScorerSettings(model=str(folder))).fusion() == fusion


def test_sets_are_named_as_in_the_ladder_and_a_test_split_is_refused(shared: Path) -> None:
    write_collection(shared, "small", split="train")
    assert [dev_set(spec).split for spec in ("small", "small@dev", "small@train")] == ["dev", "dev", "train"]
    assert [dev_set(spec).name for spec in ("small", "small@dev", "small@train")] == ["small", "small", "small@train"]
    with pytest.raises(SettingsError, match="test split"):
        dev_set("small@test")
    with pytest.raises(SettingsError, match="nowhere does not exist"):
        dev_set("nowhere")


def test_a_model_that_is_no_folder_cannot_be_saved_and_is_not_scored(shared: Path, tmp_path: Path) -> None:
    result = fit("default", tmp_path, "--set", "small", "--save")
    assert result.exit_code == 2 and "not a folder" in result.output
    assert not (tmp_path / "cache").exists()
