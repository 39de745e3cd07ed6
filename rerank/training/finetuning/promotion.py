"""Finish a trained model: ONNX and int8 beside its weights, its fusion with the first stage, the gate, and its card."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resift.rerank.training.examples import Example, LabelledList, write_examples
from resift.rerank.training.export.settings import EXPORT_PAIRS
from resift.rerank.training.finetuning.base import find_base
from resift.rerank.training.finetuning.dev_sets import EvaluationSet
from resift.rerank.training.finetuning.hub_copy import NANOBEIR_HUB
from resift.rerank.training.finetuning.request import TrainRequest
from resift.rerank.training.finetuning.rows import as_lists
from resift.rerank.training.quiet_libraries import quiet_libraries
from resift.rerank.training.reports import Reports
from resift.retrieval.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from resift.rerank.training.gate.dev_sets import DevSet
    from resift.rerank.training.gate.report import GateReport
    from resift.rerank.training.gate.settings import GateSettings

HELD_OUT_CANDIDATES = "held-out-candidates.jsonl.gz"
"""The held-out queries with the candidates that evaluated, as labelled lists, in the folder `training`."""


def write_candidates(held_out: EvaluationSet, folder: Path) -> Path:
    """Write the candidates of a held-out set as labelled lists into `folder`, and return the path. Raises OSError."""
    path = folder / HELD_OUT_CANDIDATES
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


def export_trained(request: TrainRequest, examples: Sequence[Example], reports: Reports) -> bool:
    """Write ONNX and int8, compared with torch, into the model's folder; return False, with a note, if that fails.

    int8 is fitted on some of the training `examples`. Raises OSError.
    """
    from resift.rerank.scorers.proof import PROOF_FILE
    from resift.rerank.scorers.resift_file import update_resift_file
    from resift.rerank.training.export.folder import export_folder

    made = request.work / "exported"
    shutil.rmtree(made, ignore_errors=True)
    try:
        with reports.progress("writing ONNX and int8, compared with torch"), quiet_libraries():
            export_folder(request.out, made, _pairs(examples))
    except (ModelError, SettingsError) as error:
        reports.note(f"note: the model has no ONNX: {error}")
        return False
    shutil.rmtree(request.out / "onnx", ignore_errors=True)
    for name in ("onnx", PROOF_FILE):
        os.replace(made / name, request.out / name)
    facts = json.loads((made / "resift.json").read_text(encoding="utf-8"))
    update_resift_file(request.out, {name: facts[name] for name in ("proof", "export") if name in facts})
    shutil.rmtree(made)
    return True


def judge_trained(
    request: TrainRequest, reports: Reports, settings: GateSettings | None = None, force: bool = False
) -> GateReport:
    """Fit the fusion of the model in the folder of `request`, judge it, write its card, and return the verdict.

    It is judged on the held-out queries, if there are any, and on the dev sets, against its base and the first stage,
    by the `settings` of the gate (the defaults if not given). Documents are read as in the training, and as many are
    reranked. `force` promotes it whatever the verdict is. Raises ResiftError and OSError.
    """
    from resift.rerank.settings import RerankSettings, SearchSettings
    from resift.rerank.stages import SearchStages
    from resift.rerank.training.gate.judge import Trial
    from resift.rerank.training.judgement import fit_and_judge

    base_folder, _ = find_base(request.base, request.copy)
    trial = Trial(str(request.out), str(base_folder), _judged_sets(request), base_name=request.base)
    window = max(request.depth, RerankSettings().rank_window_size)
    read = RerankSettings(rank_window_size=window, template=request.template, html=request.html)
    stages = SearchStages(search=SearchSettings(request.depth), rerank=read)
    return fit_and_judge(trial, stages, settings, reports, force)


def _judged_sets(request: TrainRequest) -> list[DevSet]:
    from resift.rerank.training.gate.dev_sets import DevSet

    held_out = request.work / HELD_OUT_CANDIDATES
    sets = [DevSet(str(held_out), name=request.held_out_name, rendered=True)] if held_out.is_file() else []
    root = None if request.copy is None else request.copy / NANOBEIR_HUB
    for target in request.dev:
        nanobeir = target.lower().partition(":")[0] == "nanobeir"
        sets.append(DevSet(target, root=str(root) if nanobeir and root is not None and root.is_dir() else None))
    return sets


def _pairs(examples: Iterable[Example]) -> list[tuple[str, str]]:
    lists = as_lists(examples)
    found = ((one.query, text) for one in lists for text in one.documents)
    return list(itertools.islice(found, EXPORT_PAIRS))
