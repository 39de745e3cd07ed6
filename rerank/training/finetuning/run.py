"""Train: prepare the data, run the trainer from its last complete checkpoint, and save the model."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from resift.rerank.scorers import scoring_progress
from resift.rerank.training.energy import EnergyMeter
from resift.rerank.training.finetuning.base import load_base
from resift.rerank.training.finetuning.checkpoints import last_complete, remove_after
from resift.rerank.training.finetuning.inputs import Inputs, Shown, Watchers, read_inputs
from resift.rerank.training.finetuning.interpolation import SHARES, Kept, interpolate
from resift.rerank.training.finetuning.log import log_rows
from resift.rerank.training.finetuning.losses import TABLE
from resift.rerank.training.finetuning.processes import rank, world_size
from resift.rerank.training.finetuning.request import TrainRequest, is_finished
from resift.rerank.training.finetuning.settings import TrainSettings
from resift.rerank.training.former_model import remove_former_model
from resift.rerank.training.quiet_libraries import quiet_libraries
from resift.rerank.training.record import Energy, LogRow
from resift.rerank.training.reports import Reports
from resift.retrieval.errors import ModelError, SettingsError

_EVALUATED = 64  # pairs that are scored at once


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training made.

    `model` is the CrossEncoder; `log` the rows; `best_step` the step of the model that was kept, None for the last one.
    `arguments`: what the trainer was called with, as plain values. `started`: ISO 8601. `kept`: which weights between
    the base and that step are the model's.
    """

    inputs: Inputs
    model: Any
    log: tuple[LogRow, ...]
    best_step: int | None
    arguments: dict[str, Any]
    seconds: dict[str, float]
    energy: Energy | None
    started: str
    kept: Kept = Kept()


def train(request: TrainRequest, settings: TrainSettings, reports: Reports | None = None) -> Trained | None:
    """Train the model that `request` describes, and save it in its folder; return None on processes other than 0.

    Several processes that torchrun started train together. With `request.resume`, an interrupted training continues
    from its last complete checkpoint, and reaches the same weights. Raises SettingsError and other ResiftErrors.
    """
    reports, started, clock = reports or Reports(), datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    if request.resume and is_finished(request):
        raise SettingsError(f"{request.out} is finished already; nothing is left to do", "resume")
    inputs = read_inputs(request, settings, reports)
    seconds = {"preparation": time.perf_counter() - clock}
    with quiet_libraries(), EnergyMeter(request.country, enabled=request.energy and rank() == 0) as meter:
        clock = time.perf_counter()
        checkpoint = _begin(inputs, reports)
        shown = Shown()
        trainer, steps = _trainer(inputs, Watchers(shown, reports.row), begins=checkpoint is None)
        with reports.progress("training", steps) as shown.show:
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        seconds["training"] = time.perf_counter() - clock
        if rank() != 0:
            return None
        model, kept = trainer.model, _interpolated(inputs, trainer, reports)
        save_model(model, TABLE[inputs.prepared.loss].display, request.out, request.work)
    best = trainer.state.best_global_step or None
    arguments = {name: value for name, value in trainer.args.to_dict().items() if "token" not in name}
    log = log_rows(trainer.state.log_history)
    return Trained(inputs, model, log, best, arguments, seconds, meter.result, started, kept)


def save_model(model: Any, activation: str, out: Path, work: Path) -> None:  # noqa: ANN401
    """Write `model` into the folder `out`, its weights last; those of a former model are removed.

    `activation` is the function of torch.nn that the model applies to its logits for display. Raises ModelError.
    """
    import torch

    model.activation_fn = getattr(torch.nn, activation)()
    staged = work / "model"
    try:
        shutil.rmtree(staged, ignore_errors=True)
        model.save_pretrained(str(staged), create_model_card=False)
        remove_former_model(out)
        for file in sorted(staged.iterdir(), key=lambda one: one.suffix == ".safetensors"):
            target = out / file.name
            if target.is_dir():
                shutil.rmtree(target)
            if file.is_file():
                file.chmod(0o644)  # safetensors lets no other user read its files, such as the one of a service
            os.replace(file, target)
        staged.rmdir()
    except OSError as error:
        raise ModelError(f"the model cannot be written: {error.strerror or error}", out) from None


def _interpolated(inputs: Inputs, trainer: Any, reports: Reports) -> Kept:  # noqa: ANN401
    """Give the trained model the best weights between its base and itself, if it can be evaluated, and return which."""
    reached, settings = trainer.state.best_metric, inputs.settings
    if reached is None or inputs.metric is None or not settings.interpolate or not inputs.base_has_head:
        return Kept()
    work = inputs.request.work / "base-again"  # the trained model may still read the files of the folder "base"
    base = load_base(inputs.base_folder, inputs.request.base, work, settings.train_length)
    with reports.progress("evaluating weights between the base and the trained ones", len(SHARES)) as done:
        kept = interpolate(trainer.model, base, trainer.evaluator, inputs.metric, reached, done)
    if kept.share < 1:
        value = f"{inputs.metric} {kept.values[inputs.metric]:.4f}"
        reports.note(f"kept: {kept.share:.2f} of the way from the base to the trained weights, {value}")
    return kept


def _begin(inputs: Inputs, reports: Reports) -> Path | None:
    """Return the checkpoint from which the training continues, None to begin; remove what was not completed."""
    folder = inputs.request.work / "checkpoints"
    checkpoint = last_complete(folder)
    if rank() == 0:
        remove_after(folder, checkpoint)
    if inputs.request.resume and rank() == 0:
        step = "from the beginning, as no checkpoint is complete" if checkpoint is None else f"after {checkpoint.name}"
        reports.note(f"resuming {step}")
    return checkpoint


def _trainer(inputs: Inputs, watchers: Watchers, *, begins: bool) -> tuple[Any, int]:
    """Return the trainer, with the base loaded, and the number of its steps.

    `begins`: whether it does not continue from a checkpoint. The arguments come first: they connect the processes.
    """
    import transformers
    from datasets import Dataset

    from resift.rerank.training.finetuning.callbacks import Watch
    from resift.rerank.training.finetuning.evaluators import DevEvaluator
    from resift.rerank.training.finetuning.trainer import make_plan, make_trainer, stop_early, training_arguments

    request, settings = inputs.request, inputs.settings
    loss = TABLE[inputs.prepared.loss]
    plan = make_plan(settings, len(inputs.rows), inputs.metric)
    arguments = training_arguments(settings, plan, request.work / "checkpoints", loss.rows == "contrasts", begins)
    transformers.set_seed(settings.seed)  # a new head is the same in each run
    work = request.work / (f"base-{rank()}" if world_size() > 1 else "base")
    device, length = str(arguments.device), settings.train_length
    model = load_base(inputs.base_folder, request.base, work, length, device, settings.dropout)
    evaluator = None
    if plan.metric is not None:
        evaluator = DevEvaluator(
            inputs.sets, _EVALUATED, lambda name, done, total: scoring_progress.report(done, total)
        )
    rows = Dataset.from_list(inputs.rows)
    trainer = make_trainer(
        model, arguments, rows, loss.make(inputs.loss_parameters), evaluator, Watch(request.work, watchers)
    )
    if settings.stop_after is not None:
        stop_early(trainer, settings.stop_after)
    return trainer, plan.steps
