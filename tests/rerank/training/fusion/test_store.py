"""A fitted fusion is stored where every search finds it, and nothing else changes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from resift.rerank.scorers.own_fusion import OwnFusion
from resift.rerank.training.fusion.fitted import FittedFusion
from resift.rerank.training.fusion.store import store_in_model, store_in_settings
from resift.retrieval.errors import SettingsError

SUM, ALONE = OwnFusion("zscore-read", 0.85), OwnFusion("none", 1.0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, 'fusion = "zscore-read"\nfusion_weight = 0.85\n'),
        ("# mine\ndepth = 30", '# mine\ndepth = 30\nfusion = "zscore-read"\nfusion_weight = 0.85\n'),
        ('fusion = "none"\ntop = 3  # few\n', 'top = 3  # few\nfusion = "zscore-read"\nfusion_weight = 0.85\n'),
        ("fusion-weight = 0.1\n", 'fusion = "zscore-read"\nfusion_weight = 0.85\n'),
        ('fields = [\n  "a",\n]\n', 'fields = [\n  "a",\n]\nfusion = "zscore-read"\nfusion_weight = 0.85\n'),
    ],
)
def test_a_file_of_settings_gets_the_fusion_and_keeps_every_other_line(
    tmp_path: Path, before: str | None, after: str
) -> None:
    file = tmp_path / "resift.toml"
    if before is not None:
        file.write_text(before)
    store_in_settings(file, SUM)
    assert file.read_text() == after
    store_in_settings(file, ALONE)
    assert {name: value for name, value in tomllib.loads(file.read_text()).items() if "fusion" in name} == {
        "fusion": "none"
    }


@pytest.mark.parametrize(
    "before", ["depth = = 3\n", 'note = """\nfusion = 1\n"""\n', "fusion = [\n1]\n", 'template = """\n[a]"""\n']
)
def test_a_file_that_cannot_be_changed_safely_stays_as_it_is(tmp_path: Path, before: str) -> None:
    file = tmp_path / "resift.toml"
    file.write_text(before)
    with pytest.raises(SettingsError, match=r"resift\.toml"):
        store_in_settings(file, SUM)
    assert file.read_text() == before


@pytest.mark.parametrize(("weight", "outdated"), [(0.85, False), (0.8, True)])
def test_a_verdict_on_another_fusion_is_removed(tmp_path: Path, weight: float, outdated: bool) -> None:
    before = {"fusion": SUM.as_json(), "gate": {"passed": True}, "proof": "proof.json"}
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "resift.json").write_text(json.dumps(before))
    fitted = FittedFusion(OwnFusion("zscore-read", weight), True, "it is best", (weight,), (), (), ())
    assert store_in_model(tmp_path, fitted, {}) is outdated
    after = json.loads((tmp_path / "resift.json").read_text())
    assert ("gate" in after) is not outdated
    assert (after["fusion"]["weight"], after["proof"]) == (weight, "proof.json")
