"""sentence-transformers' trainer for cross-encoders, with the arguments that the settings mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from transformers import EarlyStoppingCallback, PrinterCallback

from resift.rerank.training.finetuning.callbacks import Watch
from resift.rerank.training.finetuning.processes import world_size
from resift.rerank.training.finetuning.settings import BATCH_ROWS, RATE_OF_LABELS, TrainSettings
from resift.retrieval.errors import SettingsError

_TIMEOUT = 24 * 3600  # seconds that processes wait for each other, such as while one evaluates


class PlainTrainer(CrossEncoderTrainer):
    """The trainer, but checkpoints have no card: writing one asks the hub, and resift writes its own."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Leave out what collects the data of the library's card."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401
        folder = output_dir or str(self.args.output_dir)
        self.model.save_pretrained(folder, create_model_card=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from the settings and the data: the steps of a training, and when it is evaluated.

    `processes`: how many take part. `part`: the examples that a process reads at once. `metric`: the value that
    chooses the best checkpoint, None without dev sets.
    """

    steps: int
    eval_steps: int
    processes: int
    part: int
    metric: str | None


def make_plan(settings: TrainSettings, rows: int, metric: str | None) -> Plan:
    """Return the plan for `rows` rows. Raises SettingsError if a batch cannot be divided among the processes."""
    processes = world_size()
    parts = processes * settings.accumulation
    size = settings.batch_size or BATCH_ROWS
    if size % parts:
        raise SettingsError(
            f"{size} cannot be divided among {processes} processes with `accumulation` "
            f"{settings.accumulation}; expected a multiple of {parts}",
            "batch_size",
        )
    steps = max(1, math.ceil(math.ceil(rows / size) * settings.epochs))
    return Plan(steps, settings.eval_steps or max(1, steps // 5), processes, size // parts, metric)


def training_arguments(settings: TrainSettings, plan: Plan, folder: Path, no_duplicates: bool, begins: bool) -> Any:  # noqa: ANN401
    """Return the arguments of the trainer, whose checkpoints are in `folder`.

    `begins`: whether it does not continue from a checkpoint; then the base is evaluated first. `no_duplicates` keeps
    equal texts out of a batch, for losses that take the documents of other queries as negatives. Raises SettingsError
    if the device does not have the precision.
    """
    half = _half_precision(settings.precision)
    cuda = torch.cuda.is_available()
    return CrossEncoderTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=plan.part,
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.learning_rate or RATE_OF_LABELS,
        lr_scheduler_type=settings.scheduler,
        **_warmup(settings, plan),
        optim="adamw_torch",
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        seed=settings.seed,
        bf16=half == "bfloat16",
        fp16=half == "float16",
        use_cpu=not cuda and not torch.backends.mps.is_available(),
        ddp_backend="gloo" if plan.processes > 1 and not cuda else None,
        ddp_find_unused_parameters=False,
        ddp_timeout=_TIMEOUT,
        **_evaluation(settings, plan, begins),
        batch_sampler="no_duplicates" if no_duplicates else "batch_sampler",
        dataloader_pin_memory=cuda,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )


def _warmup(settings: TrainSettings, plan: Plan) -> dict[str, Any]:
    """Return the argument that has the share of the warm-up; transformers 5 takes shares below 1 as steps, too."""
    if int(transformers.__version__.split(".")[0]) < 5:
        return {"warmup_ratio": settings.warmup}
    return {"warmup_steps": settings.warmup if settings.warmup < 1 else plan.steps}


def _evaluation(settings: TrainSettings, plan: Plan, begins: bool) -> dict[str, Any]:
    """Return the arguments that say when the training is evaluated, logged and saved."""
    found: dict[str, Any] = {f"{name}_strategy": "steps" for name in ("save", "logging")}
    found |= {"save_steps": plan.eval_steps, "logging_steps": plan.eval_steps, "save_total_limit": settings.save_limit}
    found |= {"logging_nan_inf_filter": False, "restore_callback_states_from_checkpoint": True}
    if plan.metric is None:
        return {**found, "eval_strategy": "no"}
    best = {"load_best_model_at_end": True, "metric_for_best_model": f"eval_{plan.metric}", "greater_is_better": True}
    return {**found, **best, "eval_strategy": "steps", "eval_steps": plan.eval_steps, "eval_on_start": begins}


def make_trainer(
    model: Any,  # noqa: ANN401
    arguments: Any,  # noqa: ANN401
    rows: Any,  # noqa: ANN401
    loss: Any,  # noqa: ANN401
    evaluator: Any,  # noqa: ANN401
    watch: Watch,
) -> Any:  # noqa: ANN401
    """Return the trainer of `model` on `rows`, a datasets.Dataset; without an `evaluator` nothing is evaluated."""
    trainer = PlainTrainer(model, arguments, train_dataset=rows, loss=loss, evaluator=evaluator, callbacks=[watch])
    trainer.remove_callback(PrinterCallback)
    return trainer


def stop_early(trainer: Any, patience: int) -> None:  # noqa: ANN401
    """Let `trainer` stop after `patience` evaluations without a better value."""
    trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=patience))


def _half_precision(name: str) -> str:
    """Return the precision that is computed in: auto is bfloat16 where the device has it, else float16 on a GPU."""
    cuda = torch.cuda.is_available()
    if name == "auto":
        if not cuda:
            return "float32"
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if name == "float16" and not cuda:
        raise SettingsError("float16 needs a CUDA device for training; expected auto, float32 or bfloat16", "precision")
    return name
