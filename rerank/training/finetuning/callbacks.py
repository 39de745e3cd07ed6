"""What happens during a training beside it: progress, the log, complete checkpoints, and a stop if it diverges."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from resift.rerank.training.finetuning.checkpoints import mark_complete
from resift.rerank.training.finetuning.inputs import Watchers
from resift.rerank.training.finetuning.log import log_rows, write_log
from resift.rerank.training.finetuning.processes import world_size
from resift.retrieval.errors import ModelError


class Watch(TrainerCallback):
    """Reports each step, writes the log into a folder, and marks checkpoints that are complete.

    Its methods are those of transformers' `TrainerCallback`.
    """

    def __init__(self, folder: Path, watchers: Watchers) -> None:
        """Write the log into `folder`."""
        self._folder, self._watchers = folder, watchers

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:  # noqa: ANN401
        """Report the steps that were done before the training was resumed."""
        self._watchers.steps(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:  # noqa: ANN401
        """Report a step."""
        self._watchers.steps(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:  # noqa: ANN401
        """Raise ModelError if the loss is not a number any more; without dev sets, report the row."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise ModelError(
                f"the loss is {loss} at step {state.global_step}; lower `learning_rate`, or set `precision` to float32"
            )

        if str(getattr(args.eval_strategy, "value", args.eval_strategy)) == "no" and "loss" in (logs or {}):
            self._report(state)

    def on_evaluate(self, args: Any, state: Any, control: Any, **others: Any) -> None:  # noqa: ANN401
        """Report the row that was evaluated."""
        self._report(state)

    def _report(self, state: Any) -> None:  # noqa: ANN401
        """Write the log, and report its last row."""
        rows = log_rows(state.log_history)
        if state.is_world_process_zero and rows:
            write_log(self._folder, rows)
            self._watchers.row(rows[-1])

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:  # noqa: ANN401
        """Mark the checkpoint that was written as complete."""
        checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if state.is_world_process_zero and checkpoint.is_dir():
            mark_complete(checkpoint, world_size())
