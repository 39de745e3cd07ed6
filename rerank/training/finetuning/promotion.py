"""Judge a trained model by the gate, on the sets that evaluated its training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from resift.rerank.training.examples import LabelledList, write_examples
from resift.rerank.training.finetuning.base import find_base
from resift.rerank.training.finetuning.dev_sets import DevSet
from resift.rerank.training.finetuning.hub_copy import NANOBEIR_HUB
from resift.rerank.training.finetuning.inputs import ShowProgress
from resift.rerank.training.finetuning.request import TrainRequest

if TYPE_CHECKING:
    from resift.rerank.training.gate.report import GateReport

HELD_OUT = "held-out-candidates.jsonl.gz"
"""The held-out queries with the candidates that evaluated, as labelled lists, in the folder `training`."""


def write_candidates(held_out: DevSet, folder: Path) -> Path:
    """Write the candidates of a held-out set as labelled lists into `folder`, and return the path. Raises OSError."""
    path = folder / HELD_OUT
    lists = [
        LabelledList(
            one.query,
            one.texts,
            tuple(float(held_out.qrels[one.query_id].get(doc_id, 0)) for doc_id in one.doc_ids),
        )
        for one in held_out.queries
        if one.texts
    ]
    write_examples(path, lists)
    return path


def judge_trained(
    request: TrainRequest,
    force: bool = False,
    progress: ShowProgress | None = None,
    note: Callable[[str], None] = lambda line: None,
) -> GateReport:
    """Return the verdict on the model in the folder of `request`, which is stored with the model and in its card.

    It is judged on the held-out queries, if there are any, and on the dev sets, against its base and the first stage.
    `force` promotes it whatever the verdict is. Raises ResiftError and OSError.
    """
    from resift.rerank.training.gate.dev_sets import DevSet as JudgedSet
    from resift.rerank.training.gate.judge import Trial, judge
    from resift.rerank.training.gate.store import store

    held_out = request.work / HELD_OUT
    sets = [JudgedSet(str(held_out), name=request.held_out_name)] if held_out.is_file() else []
    root = None if request.copy is None else request.copy / NANOBEIR_HUB
    for target in request.dev:
        nanobeir = target.lower().partition(":")[0] == "nanobeir"
        sets.append(JudgedSet(target, root=str(root) if nanobeir and root is not None and root.is_dir() else None))
    base_folder, _ = find_base(request.base, request.copy)
    rival = base_folder if _can_rank(base_folder) else None
    trial = Trial(str(request.out), None if rival is None else str(rival), sets)
    report = judge(trial, progress=progress or _silent, note=note)
    return store(request.out, report, forced=force)


def _can_rank(folder: Path) -> bool:
    """Return whether a base is a cross-encoder already: its head is not only made by the training."""
    import json

    try:
        names = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or []
    except (OSError, ValueError):
        return False
    return any(str(name).endswith("ForSequenceClassification") for name in names)


def _silent(label: str, total: int | None = None) -> AbstractContextManager[Callable[[int], None]]:
    from contextlib import nullcontext

    return nullcontext(lambda done: None)
