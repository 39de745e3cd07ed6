"""Fit the fusion of a trained model with the first stage on dev sets, judge it there, and store both with it."""

from __future__ import annotations

from pathlib import Path

from resift.rerank.stages import SearchStages
from resift.rerank.training.fusion.fit import fit_fusion
from resift.rerank.training.fusion.scoring import SetScoring
from resift.rerank.training.fusion.settings import TuneSettings
from resift.rerank.training.fusion.store import store_in_model
from resift.rerank.training.gate.judge import Trial, judge
from resift.rerank.training.gate.report import GateReport
from resift.rerank.training.gate.settings import GateSettings
from resift.rerank.training.gate.store import store
from resift.rerank.training.reports import Reports
from resift.retrieval.errors import CorpusError


def fit_and_judge(
    trial: Trial, stages: SearchStages, settings: GateSettings | None, reports: Reports, force: bool = False
) -> GateReport:
    """Fit the fusion of the model of `trial`, a folder, on its dev sets, judge it there, and return the verdict.

    Fusion and verdict are stored in the folder, and its card is written. `settings` are those of the gate (the defaults
    if not given); `force` promotes the model whatever the verdict is. Dev sets on which no fusion can be fitted leave
    the model with its own, with a note. Raises ResiftError and OSError.
    """
    folder = Path(trial.model)
    scoring = SetScoring(trial.model, TuneSettings(), stages, reports.progress, reports.note)
    try:
        store_in_model(folder, fit_fusion(scoring.score(trial.sets)), scoring.conditions)
    except CorpusError as error:
        reports.note(f"note: the fusion could not be fitted: {error}")
    report = judge(trial, settings, stages, reports.progress, reports.note)
    return store(folder, report, forced=force)
