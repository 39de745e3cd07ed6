"""`resift gate`: whether a trained model is worse than its base or than the first stage."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.definitions import with_definition_of
from resift.rerank.cli.dev_sets import dev_options, dev_sets
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say, with_flags
from resift.rerank.cli.options import grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import MODEL_SETTINGS, SEARCH_STAGES

if TYPE_CHECKING:
    from resift.rerank.stages import SearchStages
    from resift.rerank.training.gate.dev_sets import DevSet
    from resift.rerank.training.gate.report import GateReport
    from resift.rerank.training.gate.settings import GateSettings


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What is judged: a model, its base, the dev sets as the user names them, and what the model was trained on."""

    model: str
    base: str | None
    dev: tuple[str, ...]
    queries: str | None
    qrels: str | None
    split: str | None
    root: str | None
    trained_on: tuple[str, ...]

    def sets(self) -> list[DevSet]:
        """Return the dev sets; `queries` and `qrels` are those of the one index among them.

        Raises click.UsageError if they cannot be assigned.
        """
        return dev_sets(self.dev, self.queries, self.qrels, self.split, self.root)

    def rival(self) -> str | None:
        """Return the base: the one that was named, else the one that the model's folder records.

        Raises click.UsageError if neither is known, ModelError if the record is damaged.
        """
        from resift.rerank.training.record import read_record

        if self.base is not None:
            return None if self.base == "none" else self.base
        record = read_record(Path(self.model))
        if record is None:
            raise click.UsageError("the model does not record its base; name it with --base, or --base none")
        return record.base.name if record.base else None


@click.command(cls=SettingsCommand)
@click.argument("model")
@click.option("--base", metavar="MODEL", help="The model it was trained from, or none. [default: as the model records]")
@dev_options
@click.option(
    "--trained-on", metavar="FILE", multiple=True, help="Examples that it was trained on, if its folder has no record."
)
@click.option("--force", is_flag=True, help="Promote it even if it does not pass; its card then says so.")
@click.option("--report", "page", metavar="FILE", help="Write the report to FILE, as its name ends: .html or .md.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@settings_options(
    *("gate", "search", "rerank", "scorer", "bm25", "connection", "engine"),
    into=SEARCH_STAGES,
    kept={"scorer": MODEL_SETTINGS},
)
@grouped("request", "resift.rerank.cli.gate:GateRequest")
def gate(
    request: GateRequest,
    force: bool,
    page: str | None,
    as_json: bool,
    gate_settings: GateSettings,
    stages: SearchStages,
) -> int:
    """Judge whether MODEL, a trained model's folder, is worse than its base or than the first stage on dev sets.

    Queries that the model was trained on are left out. The verdict is stored in the folder (resift.json) and in the
    model's card. Exit code 0 if it passes or is forced, else 1.

    \b
    resift gate my-model/ --dev my-collection/
    resift gate my-model/ --base default --dev held-out.jsonl --dev bm25:articles --queries q.tsv --qrels qrels.tsv
    """
    from resift.rerank.evaluation.page import check_name
    from resift.rerank.training.gate.judge import Trial, judge
    from resift.rerank.training.gate.store import store

    if page is not None:
        check_name(Path(page))
    stages = with_definition_of(click.get_current_context(), request.dev, stages)
    trial = Trial(request.model, request.rival(), request.sets(), request.trained_on)
    report = judge(trial, gate_settings, stages, progress, say)
    folder = Path(request.model)
    if folder.is_dir():
        report = store(folder, report, forced=force)
    else:
        say(f"note: {request.model} is not a folder of yours, so the verdict is not stored with it")
    _show(dataclasses.replace(report, reasons=tuple(map(with_flags, report.reasons))), page, as_json)
    return 0 if report.promoted else 1


def _show(report: GateReport, page: str | None, as_json: bool) -> None:
    from resift.rerank.cli.output import echo, show, to_json
    from resift.rerank.evaluation.page import write_page
    from resift.rerank.training.gate.page import gate_page
    from resift.rerank.training.gate.table import render

    if as_json:
        echo(to_json(report.to_json()))
    else:
        show(render(report))
    try:
        if page is not None:
            write_page(Path(page), gate_page(report))
    except OSError as error:
        raise click.ClickException(f"{error.filename or page}: cannot be written: {error.strerror}") from None
