"""Finish a student's folder: ONNX and int8, its fusion with the first stage, the verdict of the gate, and its card."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from resift.rerank.scorer import Pair
from resift.rerank.training.card import write_card
from resift.rerank.training.distillation.candidates import CandidateList
from resift.rerank.training.distillation.loading import Network, save_network
from resift.rerank.training.distillation.request import DistillRequest, DistillStages
from resift.rerank.training.export.settings import EXPORT_PAIRS, PROOF_PAIRS
from resift.rerank.training.former_model import remove_former_model
from resift.rerank.training.gate.dev_sets import DevSet
from resift.rerank.training.gate.judge import Trial
from resift.rerank.training.gate.report import GateReport
from resift.rerank.training.judgement import fit_and_judge
from resift.rerank.training.reports import Reports
from resift.retrieval.errors import ModelError, SettingsError


def write_model(network: Network, tokens: int, plain: Path, target: Path, pairs: Sequence[Pair] | None) -> str:
    """Write `network` to the folder `target`, and return why it has no ONNX, "" if it has.

    With `pairs`, its ONNX and int8 are made on them, from a copy in the folder `plain`, and `target` appears when all
    is checked; without, or if that is not possible, it has the weights of torch alone. Raises OSError.
    """
    if pairs is None:
        _save_alone(network, target, tokens)
        return ""
    save_network(network, plain, tokens)
    from resift.rerank.training.export.folder import export_folder

    try:
        export_folder(plain, target, pairs, overwrite=True)
    except (ModelError, SettingsError) as error:
        _save_alone(network, target, tokens)
        return str(error)
    return ""


def _save_alone(network: Network, target: Path, tokens: int) -> None:
    remove_former_model(target)
    save_network(network, target, tokens)


def export_pairs(lists: Iterable[CandidateList]) -> list[Pair]:
    """Return pairs of several queries for an export; fewer than it needs if there are no more."""
    return list(
        itertools.islice(((one.query, candidate.text) for one in lists for candidate in one.candidates), EXPORT_PAIRS)
    )


def finish(
    folder: Path, base: str | None, request: DistillRequest, settings: DistillStages, reports: Reports
) -> GateReport | None:
    """Fit the fusion of the student in `folder` on the dev sets of `request`, judge it there, write its card.

    `base` is the model that it must not be worse than, None for the first stage alone; with `request.force` it is
    promoted whatever the verdict is. Return the verdict; None without dev sets, or if `dev_report` is off. Raises
    ResiftError.
    """
    sets, stages = [DevSet(target) for target in request.dev], settings.search_stages(str(folder))
    if not sets or not settings.distill.dev_report:
        write_card(folder)
        return None
    return fit_and_judge(Trial(str(folder), base, sets), stages, settings.gate, reports, request.force)


def can_export(pairs: Sequence[Pair]) -> bool:
    """Return whether there are enough different pairs for an export."""
    return len(set(pairs)) >= PROOF_PAIRS
