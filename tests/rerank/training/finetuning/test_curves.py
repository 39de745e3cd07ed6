from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from resift.rerank.cli.train_table import render, row_line
from resift.rerank.training.finetuning.checkpoints import is_complete, last_complete, mark_complete, remove_after
from resift.rerank.training.finetuning.curves import draw_curves
from resift.rerank.training.finetuning.log import log_rows, write_log
from resift.rerank.training.record import Evaluation, LogRow, ModelFacts, RunRecord
from resift.retrieval.errors import SettingsError

ROWS = (
    LogRow(0.0, 0, None, {"dev_map": 0.1, "dev_ndcg@10": 0.2}),
    LogRow(0.5, 20, 1.25, {"dev_map": 0.2, "dev_ndcg@10": 0.4}),
    LogRow(1.0, 40, 0.75, {"dev_map": 0.2, "dev_ndcg@10": 0.3}),
)


def test_loss_and_values_of_one_step_are_one_row() -> None:
    history = [
        {"eval_dev_ndcg@10": 0.2, "eval_runtime": 1.0, "epoch": 0, "step": 0},
        {"loss": 1.25, "grad_norm": 3.0, "learning_rate": 1e-5, "epoch": 0.5, "step": 20},
        {"eval_dev_ndcg@10": 0.4, "eval_runtime": 1.0, "epoch": 0.5, "step": 20},
        {"train_runtime": 3.0, "train_loss": 1.0, "epoch": 1.0, "step": 40},
    ]
    assert log_rows(history) == (
        LogRow(0.0, 0, None, {"dev_ndcg@10": 0.2}),
        LogRow(0.5, 20, 1.25, {"dev_ndcg@10": 0.4}),
    )


def test_the_log_is_json_lines_with_all_values_of_its_rows(tmp_path: Path) -> None:
    path = write_log(tmp_path, ROWS)
    assert tuple(LogRow(**json.loads(line)) for line in path.read_text().splitlines()) == ROWS


def test_curves_are_drawn_as_svg_and_png_with_the_first_stage(tmp_path: Path) -> None:
    draw_curves(tmp_path / "a.svg", ROWS, first_stage={"dev": 0.35})
    draw_curves(tmp_path / "b.svg", ROWS, first_stage={"dev": 0.35})
    draw_curves(tmp_path / "c.png", ROWS)
    svg = (tmp_path / "a.svg").read_text()
    assert svg == (tmp_path / "b.svg").read_text()
    assert "training loss" in svg and "ndcg@10 on dev" in svg and "stroke-dasharray" in svg
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    draw_curves(tmp_path / "star.svg", ROWS, first_stage={"dev": 0.35}, kept=ROWS[-1].step)
    assert (tmp_path / "star.svg").read_text() != svg
    draw_curves(tmp_path / "no-star.svg", ROWS, first_stage={"dev": 0.35}, kept=12345)
    assert (tmp_path / "no-star.svg").read_text() == svg
    with pytest.raises(SettingsError, match=r"curves: d.gif ends with none of .svg, .png"):
        draw_curves(tmp_path / "d.gif", ROWS)


def test_a_log_without_any_value_is_drawn_too(tmp_path: Path) -> None:
    draw_curves(tmp_path / "a.png", ())
    draw_curves(tmp_path / "b.png", (LogRow(1.0, 3, 0.5),))
    assert (tmp_path / "b.png").stat().st_size > 0


def test_the_table_marks_the_step_that_was_kept_and_compares_with_the_first_stage() -> None:
    from rich.console import Console

    one = Evaluation("dev", "DevEvaluator", {"ndcg@10": 0.4}, {"ndcg@10": 0.35})
    record = RunRecord("resift train", ModelFacts("m", 64), log=ROWS, best_step=20, evaluations=(one,))
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render(record))
    text = console.export_text()
    assert "20 *    0.50   1.2500   0.4000" in text
    assert "0.4000 (+0.0500)" in text
    assert row_line(ROWS[1]) == "step 20, epoch 0.50: loss 1.2500, dev ndcg@10 0.4000"


def make_checkpoint(folder: Path, step: int) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir()
    (checkpoint / "model.safetensors").write_bytes(b"weights")
    (checkpoint / "trainer_state.json").write_text("{}")
    return checkpoint


def test_only_a_checkpoint_with_all_files_in_full_is_resumed_from(tmp_path: Path) -> None:
    first, torn, unmarked = (make_checkpoint(tmp_path, step) for step in (9, 18, 100))
    mark_complete(first)
    mark_complete(torn)
    (torn / "model.safetensors").write_bytes(b"wei")
    (tmp_path / "checkpoint-best").mkdir()
    assert (is_complete(first), is_complete(torn), is_complete(unmarked)) == (True, False, False)
    assert last_complete(tmp_path) == first
    remove_after(tmp_path, first)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-9", "checkpoint-best"]


def test_a_checkpoint_waits_for_the_random_numbers_of_all_processes(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path, 1)
    for number in range(2):
        (checkpoint / f"rng_state_{number}.pth").write_bytes(b"state")
    mark_complete(checkpoint, processes=2)
    (checkpoint / "rng_state_1.pth").unlink()
    assert not is_complete(checkpoint)
