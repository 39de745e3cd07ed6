"""Store the verdict of the gate with the model: in resift.json, and in its card."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from resift.rerank.scorers.resift_file import update_resift_file
from resift.rerank.training.gate.page import dev_figures
from resift.rerank.training.gate.report import GateReport
from resift.rerank.training.record import read_record


def store(folder: Path, report: GateReport, forced: bool = False) -> GateReport:
    """Write `report` into the resift.json of a model's folder ("gate" and "dev"), and into its card.

    `forced`: whether the user promotes a model that did not pass; the card then says so at its beginning. The card is
    written only if the folder has the record of a training. Return the report as it was stored. Raises ModelError and
    OSError.
    """
    from resift.rerank.training.card import write_card

    report = dataclasses.replace(report, forced=forced and not report.passed)
    update_resift_file(folder, {"gate": report.to_json(), "dev": dev_figures(report) or None})
    if read_record(folder) is not None:
        write_card(folder)
    return report
