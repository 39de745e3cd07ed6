"""Score, time and print: ``python -m scripts.evaluate_ladder COMMAND WORK``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from resift.retrieval.errors import ResiftError

from .measuring import columns_of, measure_table
from .models import choose_models
from .overview import to_json, to_markdown
from .scoring import Extent, score_all
from .speed import read_speeds, time_models
from .splits import open_set, parse_sets
from .targets import targets

WORK = click.argument("work", type=click.Path(file_okay=False, path_type=Path))
SETS = click.option("--sets", default="all", show_default=True, help="dev, test, all, or FOLDER[@SPLIT][:RUN],…")
MODELS = click.option(
    "--models", help="Labels, separated by commas, besides those of --model; all that are found if not given."
)
MODEL = click.option(
    "--model",
    multiple=True,
    metavar="LABEL=MODEL",
    help="A folder, or a name that resift knows, under a label; can be given again.",
)
BACKEND = click.option("--backend", type=click.Choice(["auto", "torch", "onnx"]), default="auto", show_default=True)
LENGTH = click.option("--max-length", type=int, help="Tokens of a pair; the model's own limit if not given.")
THREADS = click.option("--threads", type=int, help="CPU threads; all cores if not given.")


@click.group()
def main() -> None:
    """Evaluate models as rerankers of BM25's first 100 on the judged collections.

    WORK is a folder that keeps candidates, scores and times: score and speed fill it, and table measures what is there.
    A command that was stopped is given again, and what was scored stays.

    Without --models, the models are those that are found: bi-encoder (all-MiniLM-L6-v2), bge, teacher, tiny, small and
    base; --model LABEL=FOLDER adds another. Each cross-encoder is fused as a search would fuse it, by
    the resift.json of its folder.
    """


@main.command()
@WORK
@SETS
@MODELS
@MODEL
@BACKEND
@LENGTH
@THREADS
@click.option(
    "--sample", type=click.IntRange(1), help="The same N queries of each set for every model; all if not given."
)
def score(work: Path, sets: str, models: str | None, model: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - Click's
    """Score the candidates that have no scores yet; can be stopped and run again at any time."""
    chosen = choose_models(models, model, work, options["backend"], options["max_length"])
    score_all(chosen, parse_sets(sets), work, Extent(options["sample"], options["threads"]), say)


@main.command()
@WORK
@SETS
@MODELS
@MODEL
@BACKEND
@LENGTH
@click.option("--sum", "sums", multiple=True, help="An ensemble, such as teacher+bge: its z-scores are added.")
@click.option("--common", is_flag=True, help="Measure the queries alone that all columns of a set have.")
@click.option("--samples", default=2000, show_default=True, help="Resamples of each interval.")
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write the tables here too.")
@click.option("--json", "as_json", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures here.")
def table(work: Path, sets: str, models: str | None, model: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - Click's
    """Print the table of what has been scored, and the targets."""
    chosen = choose_models(models, model, work, options["backend"], options["max_length"])
    opened = [open_set(spec, work) for spec in parse_sets(sets)]
    columns = columns_of(chosen, options["sums"])
    measured = measure_table(columns, opened, work, options["samples"], options["common"])
    speeds, reached = read_speeds(work, chosen), targets(measured)
    text = to_markdown(measured, speeds, reached)
    if options["markdown"]:
        options["markdown"].write_text(text, encoding="utf-8")
    if options["as_json"]:
        content = json.dumps(to_json(measured, speeds, reached), indent=1)
        options["as_json"].write_text(content, encoding="utf-8")
    print(text, end="")


@main.command()
@WORK
@MODELS
@MODEL
@BACKEND
@LENGTH
@click.option("--threads", default=2, show_default=True, help="CPU threads of both.")
@click.option("--repetitions", type=click.IntRange(2), default=9, show_default=True, help="Turns of each model.")
def speed(work: Path, models: str | None, model: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - Click's
    """Time 100 candidates with each model, in turns with a peer."""
    chosen = choose_models(models, model, work, options["backend"], options["max_length"])
    time_models(chosen, work, options["repetitions"], options["threads"], say)


def say(line: str) -> None:
    """Print a line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except ResiftError as error:
        raise SystemExit(f"error: {error}") from None
