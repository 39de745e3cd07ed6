"""`resift tune`: fit on judged queries how a model is fused with the first stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.definitions import with_definition_of
from resift.rerank.cli.dev_sets import dev_options, dev_sets
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say
from resift.rerank.cli.options import grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import MODEL_SETTINGS, SEARCH_STAGES

if TYPE_CHECKING:
    from resift.rerank.stages import SearchStages
    from resift.rerank.training.fusion.fitted import FittedFusion
    from resift.rerank.training.fusion.settings import TuneSettings
    from resift.rerank.training.gate.dev_sets import DevSet

_OF_RERANK = ("rank_window_size", "keep_promoted", "template", "passages", "stride", "html")
"""The settings of reranking besides the fusion, which is what is fitted."""


@dataclass(frozen=True, slots=True)
class TuneRequest:
    """On what the fusion is fitted, and where it is stored: in the model's folder (`save`), or in a TOML file."""

    model: str
    dev: tuple[str, ...]
    queries: str | None
    qrels: str | None
    split: str | None
    root: str | None
    save: bool
    toml: str | None

    def check(self) -> None:
        """Raise click.UsageError, before any work, if the result could not be stored."""
        if self.save and not Path(self.model).is_dir():
            raise click.UsageError(
                f"{self.model} is not a folder of yours, so the fusion cannot be stored with it; store it in a file of "
                "settings with --toml resift.toml"
            )
        if self.toml is not None and not Path(self.toml).absolute().parent.is_dir():
            raise click.UsageError(f"{self.toml} cannot be written: its folder does not exist; create it first")
        if self.toml is not None and Path(self.toml).is_dir():
            raise click.UsageError(f"{self.toml} is a folder; name a file, such as resift.toml")

    def sets(self) -> list[DevSet]:
        """Return the dev sets; `queries` and `qrels` are those of the one index among them.

        Raises click.UsageError if they cannot be assigned.
        """
        return dev_sets(self.dev, self.queries, self.qrels, self.split, self.root)


@click.command(cls=SettingsCommand)
@click.argument("model")
@dev_options
@click.option("--save", is_flag=True, help="Store the fusion with the model, if MODEL is a folder (resift.json).")
@click.option("--toml", metavar="FILE", help="Store the fusion in FILE, a TOML file of settings, new or existing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, with the whole curve.")
@settings_options(
    *("tune", "search", "rerank", "scorer", "bm25", "connection", "engine"),
    into=SEARCH_STAGES,
    kept={"scorer": MODEL_SETTINGS, "rerank": _OF_RERANK},
)
@grouped("request", "resift.rerank.cli.tune:TuneRequest")
@click.pass_context
def tune(
    ctx: click.Context, /, request: TuneRequest, as_json: bool, tune_settings: TuneSettings, stages: SearchStages
) -> None:
    """Fit how much weight MODEL gets beside the first stage, on judged queries: about 50 or more.

    The weight with the best mean nDCG@10 over the sets is taken, unless it harms one of them; what is reported was
    measured on queries that the weight was not fitted on. 0 is the first stage alone, 1 the model alone. The model
    scores each pair once: the scores are kept, so that a stopped run resumes, and later ones need no model.

    \b
    resift tune ./my-model --dev my-collection/ --save
    resift tune default --dev http://localhost:9200/articles --queries q.tsv --qrels qrels.tsv --toml resift.toml
    """
    from resift.rerank.training.fusion.fit import fit_fusion
    from resift.rerank.training.fusion.scoring import SetScoring
    from resift.rerank.training.fusion.store import store_in_model, store_in_settings

    request.check()
    stages = with_definition_of(ctx, request.dev, stages)
    scoring = SetScoring(request.model, tune_settings, stages, progress, say)
    fitted = fit_fusion(scoring.score(request.sets()), tune_settings)
    if request.save:
        outdated = store_in_model(Path(request.model), fitted, scoring.conditions)
        if outdated:
            say("note: the gate's verdict was on the earlier fusion, and is removed; `resift gate` judges this one")
    if request.toml is not None:
        store_in_settings(Path(request.toml), fitted.fusion)
    _show(fitted, request, scoring.conditions, as_json)


def _show(fitted: FittedFusion, request: TuneRequest, conditions: dict[str, object], as_json: bool) -> None:
    from resift.rerank.cli.output import echo, show, to_json
    from resift.rerank.training.fusion.store import toml_lines
    from resift.rerank.training.fusion.table import render

    if as_json:
        echo(to_json({"model": request.model, **fitted.as_json(), "conditions": conditions}))
    else:
        show(render(fitted))
    stored = [str(Path(request.model) / "resift.json")] if request.save else []
    stored += [request.toml] if request.toml is not None else []
    if stored:
        say(f"stored in {' and '.join(stored)}")
    elif not as_json:
        say(f"not stored; --save or --toml stores it, or set it yourself: {', '.join(toml_lines(fitted.fusion))}")
