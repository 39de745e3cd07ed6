"""The log of a training: a row for each step at which it was evaluated, as values and as JSON lines."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from resift.rerank.training.record import LogRow
from resift.retrieval.atomic_file import write_file

LOG = "log.jsonl"
"""The file of the rows."""

_PREFIX = "eval_"
_OF_TRAINER = ("eval_runtime", "eval_samples_per_second", "eval_steps_per_second", "eval_model_preparation_time")


def log_rows(history: Iterable[Mapping[str, Any]]) -> tuple[LogRow, ...]:
    """Return the rows of a trainer's log history: the loss and the values of one step are one row.

    >>> log_rows([{"step": 2, "epoch": 0.5, "loss": 1.0}, {"step": 2, "epoch": 0.5, "eval_dev_ndcg@10": 0.25}])
    (LogRow(epoch=0.5, step=2, loss=1.0, values={'dev_ndcg@10': 0.25}),)
    """
    rows: dict[int, LogRow] = {}
    for entry in history:
        values = {
            name.removeprefix(_PREFIX): float(value)
            for name, value in entry.items()
            if name.startswith(_PREFIX) and name not in _OF_TRAINER and isinstance(value, int | float)
        }
        loss = entry.get("loss")
        if loss is None and not values:
            continue  # the summary at the end
        step = int(entry.get("step", 0))
        row = rows.get(step) or LogRow(float(entry.get("epoch") or 0.0), step)
        rows[step] = LogRow(row.epoch, step, row.loss if loss is None else float(loss), {**row.values, **values})
    return tuple(rows[step] for step in sorted(rows))


def write_log(folder: Path, rows: Sequence[LogRow]) -> Path:
    """Write the rows as JSON lines into `folder`, and return the path. Raises OSError."""
    path = folder / LOG
    write_file(path, (json.dumps(dataclasses.asdict(row), ensure_ascii=False) + "\n" for row in rows))
    return path
