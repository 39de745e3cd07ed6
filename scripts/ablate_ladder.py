"""Train variants of resift-small for a short time each, and compare them on dev queries: what each part is worth.

    python -m scripts.train_ladder WORK teacher corpus
    python -m scripts.ablate_ladder WORK --queries 800 --sample 20

Each variant differs from the first one, the procedure that made resift-small, in one thing. All read as many pairs, and
are measured by the nDCG@10 of their order alone over BM25's first 100. Finished variants are kept in WORK/ablation by
their numbers: a stopped run continues if it is given again, and a new variant belongs at the end of the table.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from .shared_data import ROOT
from .train_ladder.commands import resift, run
from .train_ladder.settings import RUNS

VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "as resift-small": ("teacher:4", ()),
    "layers copied, not fitted": ("teacher:4", ("--no-refit",)),
    "layers 1, 4, 7, 10": ("teacher:1,4,7,10", ()),
    "layers 3, 6, 9, 12": ("teacher:3,6,9,12", ()),
    "new layers": ("4x384x12", ()),
    "2 layers": ("teacher:2", ()),
    "3 layers": ("teacher:3", ()),
    "6 layers": ("teacher:6", ()),
    "states not compared": ("teacher:4", ("--states-weight", "0")),
    "margins not compared": ("teacher:4", ("--margin-weight", "0")),
    "judgements too": ("teacher:4", ("--label-weight", "0.2")),
    "head of BM25 alone": (
        "teacher:4",
        ("--head-documents", "10", "--middle-documents", "0", "--random-documents", "0"),
    ),
    "no random documents": ("teacher:4", ("--middle-documents", "6", "--random-documents", "0")),
    "random documents alone": (
        "teacher:4",
        ("--head-documents", "0", "--middle-documents", "0", "--random-documents", "10"),
    ),
    "made queries alone": ("teacher:4", ("--made-share", "1")),
    "half made queries": ("teacher:4", ("--made-share", "0.5")),
    "words trained too": ("teacher:4", ("--no-frozen-words",)),
    "three times the rate": ("teacher:4", ("--learning-rate", "2e-4")),
}
"""Name -> the student and the options of `resift distill` that differ; its place is its number, from 0."""


def train(work: Path, number: int, queries: int, threads: int | None) -> Path:
    """Train the variant with this number, unless it is there, and return its folder. Raises ClickException."""
    name = f"ablation/{number:02d}"
    student, options = list(VARIANTS.values())[number]
    if not (work / name / "distillation.json").is_file():
        common = [*RUNS["larger"].options, "--max-queries", str(queries), "--epochs", "1", "--held-out-share", "0.05"]
        files = ["--queries", "corpus/queries.jsonl", "--qrels", "corpus/qrels/train.tsv"]
        teacher = ["--teacher", RUNS["larger"].teachers[0], "--student", student]
        target = ["--out", name, "--work", f"{name}.work", "--no-export", *_threads(threads)]
        resift(work, "distill", "bm25:ablation/index", *files, *teacher, *target, *common, *options)
    return work / name


def measure(work: Path, models: dict[str, Path], sample: int, threads: int | None) -> dict[str, Any]:
    """Return the table of `scripts.evaluate_ladder` for the models, by label, as JSON. Raises ClickException."""
    given = [part for label, folder in models.items() for part in ("--model", f"{label}={folder}")]
    ladder = [sys.executable, "-m", "scripts.evaluate_ladder"]
    extent = ["--sample", str(sample), *_threads(threads)]
    labels = ["--sets", "dev", "--models", next(iter(models))]  # those of --model alone, none that is found elsewhere
    run(ROOT, [*ladder, "score", str(work / "ablation"), *labels, *given, *extent])
    path = work / "ablation" / "dev.json"
    run(ROOT, [*ladder, "table", str(work / "ablation"), *labels, *given, "--common", "--json", str(path)])
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def report(folders: dict[str, Path], table: dict[str, Any]) -> str:
    """Return a row of Markdown for each variant: its agreement with the teacher, and its mean nDCG@10 on the dev sets.

    `folders` are by label, `table` is that of `measure`.
    """
    means = table["means"].get("dev", {})
    rows = ["| variant | correlation before | after | nDCG@10 [95 % interval] |", "|---|---|---|---|"]
    for label, folder in folders.items():
        found = json.loads((folder / "distillation.json").read_text(encoding="utf-8"))["report"]
        agreement = " | ".join(f"{found[when]['pearson']:.3f}" for when in ("before", "after"))
        mean = means.get(label, {}).get("ndcg@10")
        low, high = mean["interval_95"] if mean else (0.0, 0.0)
        value = f"{mean['mean']:.4f} [{low:.4f}, {high:.4f}]" if mean else "not measured"
        rows.append(f"| {list(VARIANTS)[int(label[1:])]} | {agreement} | {value} |")
    return "\n".join(rows)


def _threads(threads: int | None) -> list[str]:
    return ["--threads", str(threads)] if threads else []


def _numbers(context: click.Context, option: click.Parameter, given: str | None) -> list[int]:
    """Return the numbers of variants that an option lists; all if it is not given. Raises click.BadParameter."""
    known = range(len(VARIANTS))
    try:
        numbers = [int(one) for one in given.split(",")] if given else list(known)
    except ValueError:
        numbers = [-1]
    if any(number not in known for number in numbers):
        raise click.BadParameter(f"{given!r}; expected numbers from 0 to {known[-1]}, separated by commas")
    return numbers


@click.command()
@click.argument("work", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--queries", default=800, show_default=True, help="Queries that each variant is trained on.")
@click.option("--sample", default=20, show_default=True, help="Dev queries of each set.")
@click.option("--threads", type=int, help="CPU threads; all cores if not given.")
@click.option(
    "--variants", callback=_numbers, help="Numbers of variants, from 0, separated by commas; all if not given."
)
def main(work: Path, queries: int, sample: int, threads: int | None, variants: list[int]) -> None:
    """Train and measure the variants, with all files in WORK/ablation."""
    work = work.resolve()
    if not (work / "ablation" / "index").is_dir():
        resift(work, "index", "corpus", "--to", "bm25:ablation/index")
    folders = {f"v{number:02d}": train(work, number, queries, threads) for number in variants}
    print(report(folders, measure(work, folders, sample, threads)))


if __name__ == "__main__":
    main()
