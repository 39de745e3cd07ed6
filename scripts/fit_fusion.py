"""Fit a model's fusion on dev sets of $RESIFT_SHARED (or ../shared), for one or more numbers of passages.

    python -m scripts.fit_fusion my-model/ --sample 20 --save
    python -m scripts.fit_fusion default --set time --set med --passages 1 --passages 4 --sample 12

The scores are kept in the cache folder, so that a stopped run continues, and another fit needs no model. `resift tune`
is the same for any judged queries.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from resift.rerank.cli.messages import say
from resift.rerank.cli.progress import progress
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.settings import RerankSettings, SearchSettings
from resift.rerank.stages import SearchStages
from resift.rerank.training.fusion.fit import fit_fusion
from resift.rerank.training.fusion.scoring import SetScoring
from resift.rerank.training.fusion.settings import TuneSettings
from resift.rerank.training.fusion.store import store_in_model
from resift.rerank.training.fusion.table import render
from resift.rerank.training.gate.dev_sets import DevSet
from resift.retrieval.errors import ResiftError, SettingsError
from scripts.evaluate_ladder.splits import DEV
from scripts.shared_data import collections_folder


@click.command()
@click.argument("model")
@click.option(
    "--set",
    "names",
    multiple=True,
    default=DEV,
    show_default=True,
    help="FOLDER[@SPLIT]; the split is dev if not given.",
)
@click.option("--sample", type=int, help="How many queries of each set are scored. [default: all]")
@click.option(
    "--passages", "counts", multiple=True, type=int, default=(1,), show_default=True, help="Passages to read."
)
@click.option("--max-length", type=int, help="Tokens of a pair. [default: the model's own]")
@click.option("--depth", type=int, default=100, show_default=True, help="Candidates, which are all scored.")
@click.option("--threads", type=int, help="CPU threads of the model. [default: all cores]")
@click.option("--cache", help="The folder that keeps scores. [default: that of resift]")
@click.option("--save", is_flag=True, help="Store the fusion for the first number of passages in the model's folder.")
@click.option("--output", type=click.Path(path_type=Path), help="Write everything as JSON to this file.")
def main(
    model: str,
    names: tuple[str, ...],
    counts: tuple[int, ...],
    save: bool,
    output: Path | None,
    **settings: Any,  # noqa: ANN401 - the options of the stages
) -> None:
    """Fit the fusion of MODEL, a name or a folder, and print the curve of each number of passages."""
    if save and not Path(model).is_dir():
        raise click.UsageError(f"{model} is not a folder; the fusion cannot be stored with the model")
    sets = [dev_set(name) for name in names]
    tune = TuneSettings(tune_sample=settings.pop("sample"), tune_cache=settings.pop("cache"))
    found: dict[str, Any] = {}
    for count in counts:
        scoring = SetScoring(model, tune, _stages(count, **settings), progress, say)
        started = time.perf_counter()
        scores = scoring.score(sets)
        seconds = time.perf_counter() - started
        fitted = fit_fusion(scores, tune)
        Console(width=120).print(f"\n{model}, passages: {count}, scored in {seconds:.0f} s\n", render(fitted))
        found[str(count)] = {"seconds": seconds, **fitted.as_json()}
        if save and count == counts[0]:
            store_in_model(Path(model), fitted, scoring.conditions)
            click.echo(f"stored in {Path(model) / 'resift.json'}")
        if output is not None:
            output.write_text(json.dumps(found, indent=2) + "\n")


def dev_set(spec: str) -> DevSet:
    """Return the set FOLDER[@SPLIT] of the shared collections, as `scripts/evaluate_ladder` names it; dev if no split.

    Raises SettingsError if there is no such folder, and if the split is test, on which nothing is chosen.
    """
    name, _, split = spec.partition("@")
    folder = collections_folder() / name
    if not folder.is_dir():
        raise SettingsError(f"{folder} does not exist; expected a BEIR folder", "set")
    if split == "test":
        raise SettingsError(f"{spec} is a test split, which is for the report alone; name a dev or train split", "set")
    return DevSet(str(folder), split=split or "dev", name=name if split in ("", "dev") else spec)


def _stages(passages: int, max_length: int | None, depth: int | None, threads: int | None) -> SearchStages:
    stages = SearchStages(SearchSettings(depth or 100), RerankSettings(rank_window_size=depth or 100))
    scorer = ScorerSettings(max_length=max_length, threads=threads)
    return replace(stages, rerank=replace(stages.rerank, passages=passages), scorer=scorer)


if __name__ == "__main__":
    try:
        main()
    except ResiftError as error:
        raise SystemExit(f"error: {error}") from None
