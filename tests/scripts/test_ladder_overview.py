"""What the table of the ladder shows besides its cells: the means over sets, and the times."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from scripts.evaluate_ladder.measuring import columns_of, measure_table
from scripts.evaluate_ladder.models import EvaluatedModel
from scripts.evaluate_ladder.overview import to_json, to_markdown
from scripts.evaluate_ladder.scoring import Extent, score_all
from scripts.evaluate_ladder.speed import SPEEDS, Timing, read_speeds
from scripts.evaluate_ladder.splits import open_set
from tests.rerank.scorers.small_models import save_family
from tests.scripts.ladder_data import write_collection


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluatedModel:
    monkeypatch.setenv("RESIFT_SHARED", str(tmp_path / "shared"))
    write_collection(tmp_path / "shared", "small")
    write_collection(tmp_path / "shared", "other", extra={"d40": "river river stone", "d41": "the cat and the dog"})
    return EvaluatedModel("base", save_family("bert", tmp_path / "model"))


def test_sets_that_are_no_whole_part_have_a_mean_of_all_that_are_shown(model: EvaluatedModel, tmp_path: Path) -> None:
    specs = ["small", "other"]
    score_all([model], specs, tmp_path, Extent(threads=1), lambda line: None)
    table = measure_table(columns_of([model], ()), [open_set(spec, tmp_path) for spec in specs], tmp_path, samples=50)
    content = to_json(table, {}, [])
    text = to_markdown(table, {}, [])
    for column in table.columns:
        cells, mean = content["cells"][column.name], content["means"]["shown"][column.name]
        for measure in ("ndcg@10", "mrr@10"):
            expected = (cells["small"][measure]["mean"] + cells["other"][measure]["mean"]) / 2
            assert mean[measure]["mean"] == pytest.approx(expected)
            assert f"{mean[measure]['mean']:.4f}" in text.partition(f"## {measure}\n")[2].partition("##")[0]
    assert "mean of 2 shown" in text
    alone = measure_table(table.columns, table.sets[:1], tmp_path, samples=50)
    assert to_json(alone, {}, [])["means"] == {}


def test_a_time_is_shown_for_the_files_and_the_limit_that_were_timed(model: EvaluatedModel, tmp_path: Path) -> None:
    timing = Timing(model.fingerprint, 0.25, (0.2, 0.3), 1.5, "a peer", "2 cores", 2, tokens=24)
    (tmp_path / SPEEDS).write_text(json.dumps({"base": asdict(timing)}))
    shorter = EvaluatedModel("base", model.folder, max_length=24)
    assert read_speeds(tmp_path, [model]) == {}
    assert read_speeds(tmp_path, [shorter]) == {"base": timing}
    score_all([shorter], ["small"], tmp_path, Extent(threads=1), lambda line: None)
    table = measure_table(columns_of([shorter], ()), [open_set("small", tmp_path)], tmp_path, samples=50)
    text = to_markdown(table, {"base": timing}, [])
    assert "| 0.25 (1500 ms) |" in text and "the median ratio to a peer on the same machine" in text
