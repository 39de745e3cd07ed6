from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from resift.rerank.training.card import write_card
from resift.rerank.training.finetuning.evaluators import DevEvaluator
from resift.rerank.training.finetuning.interpolation import Kept, interpolate
from resift.rerank.training.finetuning.outcome import write_outcome
from resift.rerank.training.record import read_record
from tests.rerank.training.finetuning.small_training import SETTINGS, request, run, save_base, write_pairs


@pytest.mark.parametrize(("wanted", "share"), [(1.0, 1.0), (0.8, 0.75), (0.45, 0.5), (0.1, 0.25)])
def test_the_best_weights_between_two_models_are_kept(wanted: float, share: float) -> None:
    base, model = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    with torch.no_grad():
        for parameter in base.parameters():
            parameter.zero_()
        for parameter in model.parameters():
            parameter.fill_(4.0)

    def evaluate(one: Any) -> dict[str, float]:
        return {"near": -abs(one.bias.item() - 4.0 * wanted), "other": 7.0}

    tried: list[int] = []
    kept = interpolate(model, base, evaluate, "near", evaluate(model)["near"], tried.append)
    assert kept.share == share and tried == [1, 2, 3]
    assert model.weight.tolist() == [[4.0 * share] * 2] and model.bias.tolist() == [4.0 * share]
    assert kept.values == ({} if share == 1 else evaluate(model))


def test_a_training_that_does_harm_is_kept_in_part_and_recorded(tmp_path: Path) -> None:
    data, base = write_pairs(tmp_path / "pairs.jsonl"), save_base(tmp_path / "base")
    settings = dataclasses.replace(SETTINGS, learning_rate=0.02, held_out=16, epochs=3.0)
    whole = run(request(data, base, tmp_path / "whole"), dataclasses.replace(settings, interpolate=False))
    trained = run(request(data, base, tmp_path / "part"), settings)
    metric = "held-out_ndcg@10"
    reached = max(row.values[metric] for row in whole.log if row.step)
    assert whole.kept == Kept() and trained.kept.share < 1 and trained.kept.values[metric] > reached
    assert DevEvaluator(trained.inputs.sets, 64)(trained.model)[metric] == pytest.approx(trained.kept.values[metric])
    write_outcome(trained)
    record = read_record(tmp_path / "part")
    assert record is not None and record.trained_share == trained.kept.share
    assert record.evaluations[0].values["ndcg@10"] == trained.kept.values[metric]
    card = write_card(tmp_path / "part").read_text(encoding="utf-8")
    assert f"Weights: {record.trained_share:g} of the way from the base to that checkpoint" in card
