"""`resift train`: train a model on the user's own examples."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from resift.rerank.cli.crossed import refuse_together
from resift.rerank.cli.energy import energy_options
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say
from resift.rerank.cli.options import flags_given, grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.pushing import PushOptions, push_options

if TYPE_CHECKING:
    from resift.rerank.settings import RerankSettings, SearchSettings
    from resift.rerank.training.finetuning.request import TrainRequest
    from resift.rerank.training.finetuning.run import Trained
    from resift.rerank.training.finetuning.settings import TrainSettings
    from resift.rerank.training.gate.settings import GateSettings
    from resift.rerank.training.record import LogRow, RunRecord
    from resift.rerank.training.reports import Reports


@dataclass(frozen=True, slots=True)
class TrainStages:
    """The settings of all that a training uses; of `rerank` the template and the treatment of HTML alone."""

    train: TrainSettings
    search: SearchSettings
    rerank: RerankSettings
    gate: GateSettings


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """The options of the command that are not settings; None where the recipe, or the default, decides."""

    data: tuple[str, ...]
    recipe_file: str | None
    out: str
    base: str | None
    dev: tuple[str, ...]
    hub_folder: str | None
    title: str | None
    languages: tuple[str, ...]
    licence: str | None
    curves: str | None
    skip_bad: bool
    resume: bool
    overwrite: bool
    energy: bool
    country: str | None

    def request(self, stages: TrainStages) -> TrainRequest:
        """Return what is trained: the recipe's values, and in their place what was given on the command line.

        `stages` has the settings of what is read. Raises click.UsageError without data, and SettingsError.
        """
        from resift.rerank.training.finetuning.recipe import Recipe, read_recipe
        from resift.rerank.training.finetuning.request import TrainRequest
        from resift.rerank.training.finetuning.sources import DataSource

        recipe = Recipe("") if self.recipe_file is None else read_recipe(self.recipe_file)
        data = tuple(DataSource(one) for one in self.data) or recipe.data
        if not data:
            raise click.UsageError("no data is named; expected DATA, or a recipe with a table [[data]]")
        of_recipe = {"base": self.base or recipe.base, "held_out_name": recipe.held_out_name}
        optional: dict[str, Any] = {name: value for name, value in of_recipe.items() if value is not None}
        return TrainRequest(
            data=data,
            out=Path(self.out),
            dev=self.dev or recipe.dev,
            depth=stages.search.depth,
            template=stages.rerank.template,
            html=stages.rerank.html,
            copy=Path(self.hub_folder) if self.hub_folder else None,
            curves=Path(self.curves) if self.curves else None,
            skip_bad=self.skip_bad,
            resume=self.resume,
            overwrite=self.overwrite,
            recipe=recipe.name,
            title=self.title or recipe.title,
            languages=self.languages or recipe.languages,
            licence=self.licence or recipe.licence,
            energy=self.energy,
            country=self.country,
            **optional,
        )


@dataclass(frozen=True, slots=True)
class FinalSteps:
    """What is done after the training: whether ONNX is written, and whether the gate judges, and how it is shown."""

    export: bool
    gate: bool
    force: bool
    as_json: bool


def _use_recipe(context: click.Context, _: click.Parameter, given: str | None) -> str | None:
    """Let the settings of the recipe replace those of the TOML file; flags and variables replace both."""
    if given is not None and not context.resilient_parsing:
        from resift.rerank.training.finetuning.recipe import read_recipe

        context.default_map = {**(context.default_map or {}), **read_recipe(given).settings}
    return given


@click.command(cls=SettingsCommand)
@click.argument("data", nargs=-1)
@click.option("--out", metavar="FOLDER", required=True, help="The folder of the trained model.")
@click.option("--base", metavar="MODEL", help="The model to begin with, named as in a search. [default: resift's own]")
@click.option(
    "--recipe",
    "recipe_file",
    metavar="FILE",
    is_eager=True,
    callback=_use_recipe,
    help="A TOML file with data, base, dev sets and settings; what is given beside it replaces them.",
)
@click.option(
    "--dev",
    multiple=True,
    metavar="TARGET",
    help="Evaluate on these judged queries: a BEIR folder, or nanobeir:NQ,MSMARCO. Can be repeated.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted training; it reaches the same weights.")
@click.option("--overwrite", is_flag=True, help="Replace the model, or the unfinished training, in the folder.")
@click.option("--skip-bad", "skip_bad", is_flag=True, help="Leave out bad examples, instead of stopping at the first.")
@click.option(
    "--hub-folder",
    metavar="FOLDER",
    envvar="RESIFT_HUB_FOLDER",
    help="A local copy of what is read of the Hugging Face Hub, with a folder ORG/NAME for each model and data set.",
)
@click.option("--curves", metavar="FILE", help="Draw loss and nDCG@10 into FILE, too, as it ends: .svg, .png or .pdf.")
@click.option("--title", metavar="TEXT", help="The name of the model in its card. [default: the folder's]")
@click.option("--of-language", "languages", multiple=True, metavar="CODE", help="A language of the data, such as en.")
@click.option("--licence", metavar="NAME", help="The licence of the model, such as apache-2.0. [default: the base's]")
@energy_options
@click.option("--export/--no-export", default=True, show_default=True, help="Write ONNX and int8 beside the weights.")
@click.option("--gate/--no-gate", default=True, show_default=True, help="Judge the model against its base at the end.")
@click.option("--force", is_flag=True, help="Promote the model although the gate refuses it; its card says so.")
@push_options
@click.option("--json", "as_json", is_flag=True, help="Print the log and the values as JSON.")
@settings_options(
    *("train", "search", "rerank", "gate"),
    into="resift.rerank.cli.train:TrainStages",
    kept={"rerank": ("template", "html")},
)
@grouped("push", "resift.rerank.cli.pushing:PushOptions")
@grouped("options", "resift.rerank.cli.train:TrainOptions")
@grouped("steps", "resift.rerank.cli.train:FinalSteps")
@click.pass_context
def train(
    ctx: click.Context,
    /,
    options: TrainOptions,
    steps: FinalSteps,
    push: PushOptions,
    stages: TrainStages,
) -> int:
    """Train a reranker on DATA: pairs, labelled pairs, triplets or labelled lists, as JSON lines, CSV or Parquet.

    The columns are those of sentence-transformers: query and document (or question and answer), label, positive and
    negative, documents and labels. DATA can be several files or folders, or hub:ORG/NAME. Pairs get negatives from BM25
    over their own documents; `resift mine` finds better ones in an index. Without --dev, a part of the queries is
    held out and evaluates. Several processes train together with: torchrun --nproc-per-node 2 -m resift train ...

    \b
    resift train pairs.jsonl --out my-model
    resift train mined.jsonl --dev my-collection/ --out my-model --epochs 2
    resift train --recipe recipes/gooaq-bert-tiny.toml --out reranker
    """
    from resift.rerank.training.finetuning.request import locked

    refuse_together(ctx, {"resume": "--resume", "overwrite": "--overwrite"})
    request = options.request(stages)
    if not request.dev and "--depth" in flags_given(ctx, "search"):
        raise click.UsageError("--depth would have no effect without dev sets; leave it out, or name one with --dev")
    judged = steps.gate and (bool(request.dev) or stages.train.held_out != 0)
    if not judged and (flags := flags_given(ctx, "gate")):
        raise click.UsageError(f"{', '.join(flags)} would have no effect, because nothing is judged; leave it out")
    push.check(judged, steps.force)
    with locked(request.out):
        promoted = _train(request, steps, stages)
    if promoted is None:  # another process writes the model
        return 0
    push.upload(request.out, promoted, steps.force, steps.as_json)
    return 0 if promoted else 1


def _train(request: TrainRequest, steps: FinalSteps, stages: TrainStages) -> bool | None:
    """Train, write and judge the model; return whether it is promoted, None if that is another process's work."""
    from resift.rerank.training.finetuning.outcome import write_outcome
    from resift.rerank.training.finetuning.request import finish
    from resift.rerank.training.finetuning.run import train as run_training

    try:
        trained = run_training(request, stages.train, _reports())
        if trained is None:
            return None
        _report(write_outcome(trained), steps.as_json)
        promoted = _conclude(request, trained, steps, stages.gate)
    except KeyboardInterrupt:
        if request.work.is_dir():
            say("the training is not finished; the same command with --resume continues it from its last checkpoint")
        raise
    finish(request)
    return promoted


def _say_row(row: LogRow) -> None:
    from resift.rerank.cli.train_table import row_line

    say(row_line(row))


def _conclude(request: TrainRequest, trained: Trained, steps: FinalSteps, settings: GateSettings) -> bool:
    """Export and judge the model as wanted, and write its card; return whether it is promoted, or was not judged."""
    from resift.rerank.training.card import write_card
    from resift.rerank.training.finetuning.promotion import export_trained, judge_trained

    reports = _reports()
    if steps.export:
        export_trained(request, trained.inputs.prepared.train, reports)
    if not steps.gate or not trained.inputs.sets:
        write_card(request.out)
        return True
    report = judge_trained(request, reports, settings, steps.force)
    if not steps.as_json:
        from resift.rerank.cli.output import show
        from resift.rerank.training.gate.table import render

        show(render(report))
    return report.promoted


def _reports() -> Reports:
    from resift.rerank.training.reports import Reports

    return Reports(say, progress, row=_say_row)


def _report(record: RunRecord, as_json: bool) -> None:
    from resift.rerank.cli.output import echo, show, to_json
    from resift.rerank.cli.train_table import render

    if as_json:
        rows = [dataclasses.asdict(row) for row in record.log]
        evaluations = [dataclasses.asdict(one) for one in record.evaluations]
        echo(to_json({"best_step": record.best_step, "log": rows, "evaluations": evaluations}))
    else:
        show(render(record))
