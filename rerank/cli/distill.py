"""`resift distill`: teach small rerankers what a large one knows, on the texts of an index or a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from resift.rerank.cli.definitions import with_definition
from resift.rerank.cli.energy import energy_options
from resift.rerank.cli.facts import facts_table
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import ask_hidden, say
from resift.rerank.cli.options import flags_given, grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.pushing import PushOptions, push_options
from resift.rerank.cli.stages import MODEL_SETTINGS, refuse_engine_flags

if TYPE_CHECKING:
    from resift.rerank.training.distillation.outcome import StudentReport
    from resift.rerank.training.distillation.request import DistillRequest, DistillStages

_OF_SCORER = tuple(name for name in MODEL_SETTINGS if name != "max_length")
"""The settings of the models; their length is --pair-tokens."""


@click.command(cls=SettingsCommand)
@click.argument("target")
@click.option(
    "--teacher",
    metavar="MODEL",
    multiple=True,
    required=True,
    help="The model to learn from: embedded, a folder or a name of the hub. Several are averaged, see "
    "--teacher-weights; a later one may be a bi-encoder, or first-stage, the search's own score.",
)
@click.option(
    "--student",
    metavar="MODEL",
    multiple=True,
    required=True,
    help="What learns: a model as it is; MODEL:6 or MODEL:1,3,5 for some of its layers; teacher:6 for some of the "
    "teacher's; 2x128 for a new BERT of 2 layers, 128 wide. NAME=MODEL names it. Can be repeated.",
)
@click.option("--out", required=True, metavar="FOLDER", help="The student's folder, or that of several students.")
@click.option("--queries", metavar="FILE", help="Your queries, such as those of a log: forms as in `resift run`.")
@click.option("--qrels", metavar="FILE", help="Judgements of these queries: TREC, BEIR, CSV or JSON.")
@click.option("--split", metavar="NAME", help="Which qrels of a BEIR folder to train on. [default: train]")
@click.option(
    "--dev",
    metavar="SET",
    multiple=True,
    help="A judged collection that measures the student: a BEIR folder, or "
    "nanobeir:NAME. Its queries are not trained on. Can be repeated.",
)
@click.option("--work", metavar="FOLDER", help="The folder of scores and checkpoints. [default: OUT.work]")
@energy_options
@click.option("--force", is_flag=True, help="Promote a student that does not pass the gate; its card then says so.")
@push_options
@click.option("--json", "as_json", is_flag=True, help="Print the report as a JSON object.")
@settings_options(
    *("distill", "search", "rerank", "scorer", "queries", "corpus", "bm25", "connection", "engine", "gate"),
    into="resift.rerank.training.distillation.request:DistillStages",
    kept={"scorer": _OF_SCORER, "rerank": ("template", "html")},
)
@grouped("push", "resift.rerank.cli.pushing:PushOptions")
@grouped("request", "resift.rerank.training.distillation.request:DistillRequest")
@click.pass_context
def distill(
    ctx: click.Context, /, request: DistillRequest, push: PushOptions, as_json: bool, stages: DistillStages
) -> int:
    """Teach small rerankers what a large one knows, on TARGET, an index or a corpus that `resift index` reads.

    Queries are yours, or made of titles and sentences. The teacher scores their candidates (the head and the middle of
    the first stage, random documents, known relevant ones) once, into a file. A distillation that was stopped continues
    if it is given again. With --push, several students go to ORG/NAME-STUDENT.

    \b
    resift distill bm25:articles --teacher cross-encoder/ms-marco-MiniLM-L6-v2 --student teacher:3 --out small/
    resift distill articles.csv --queries log.tsv --teacher default --student 2x128 --out tiny/
    """
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.training.distillation.job import Distillation
    from resift.rerank.training.reports import Reports

    _check(ctx, request)
    stages = with_definition(ctx, request.target, stages)
    students = [plan.name for plan in request.plans()] if len(request.student) > 1 else []
    push.check(bool(request.dev), request.force, *students)
    result = Distillation(request, stages, Reports(say, progress, ask=ask_hidden)).run()
    if as_json:
        echo(to_json(result.to_json()))
    else:
        for report in result.students:
            _show(report)
        say(f"the teacher's scores are in {result.scores}")
    for report in result.students:
        promoted = report.gate is None or report.gate.promoted
        push.upload(report.folder, promoted, request.force, as_json, report.name if students else "")
    return 0 if all(report.gate is None or report.gate.promoted for report in result.students) else 1


def _check(ctx: click.Context, request: DistillRequest) -> None:
    """Raise click.UsageError if an option was given that would have no effect."""
    from resift.retrieval.registry import is_engine

    if not is_engine(request.target):
        refuse_engine_flags(ctx, request.target, "connection", "engine")
    if request.is_index and (flags := [*flags_given(ctx, "corpus"), *flags_given(ctx, "bm25")]):
        raise click.UsageError(f"{', '.join(flags)} would have no effect, because no index is built; leave it out")
    if not request.dev and (flags := flags_given(ctx, "gate")):
        raise click.UsageError(f"{', '.join(flags)} would have no effect, as nothing is judged; name a set with --dev")


def _show(report: StudentReport) -> None:
    """Print what is known of a student."""
    from resift.rerank.cli.output import echo, show

    before, after = report.before, report.after
    rows = {
        "parameters": f"{report.parameters:,}",
        "pairs read": f"{report.pairs:,} in {report.seconds:,.0f} s",
        "held-out queries": f"{report.held_out:,}",
        "squared error": f"{before['error']:.3f} -> {after['error']:.3f}",
        "correlation": f"{before['pearson']:.3f} -> {after['pearson']:.3f} over all pairs, "
        f"{before['within']:.3f} -> {after['within']:.3f} within a query",
        "teacher's order": f"{before['order']:.1%} -> {after['order']:.1%} of the pairs of a query",
    }
    if expected := report.expected():
        rows["error expected"] = f"{expected[2]:.3f} with twice as many pairs, {expected[4]:.3f} with four times"
    if report.energy is not None:
        how = "measured" if report.energy.measured else "estimated"
        rows["energy"] = f"{report.energy.kwh:.4g} kWh, {report.energy.kg_co2:.4g} kg CO2, {how}"
    echo(f"{report.name}: {report.folder}")
    for line in facts_table(rows):
        echo(f"  {line}")
    if report.gate is not None:
        from resift.rerank.training.gate.table import render

        show(render(report.gate))
