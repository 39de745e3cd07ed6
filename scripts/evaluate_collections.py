"""Index and evaluate every judged collection of $RESIFT_SHARED (or ../shared), and print one table.

    python -m scripts.evaluate_collections --output results [NAME ...]

The default model is measured, and beside it the published cross-encoder of the shared data if it is there. Each
collection's report is kept in the output folder, so that a stopped run can be resumed.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import click

from scripts.shared_data import ROOT, collections_folder, published_teacher

MORE_SPLITS = {"nfcorpus": ("test", "dev")}
"""Collections of which more than the default split is evaluated."""
TEACHER = "teacher"
"""The label of the published cross-encoder, of which the models of the package learned."""
COLUMNS = (
    *("collection", "model", "queries", "ndcg@10", "mrr@10", "map"),
    *("difference of ndcg@10, 95 %", "recall@100", "index s", "rerank s"),
)


def resift(*arguments: str) -> str:
    """Run one command line of resift and return what it prints."""
    code = "from resift.rerank.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def chosen(models: Sequence[str]) -> dict[str, str]:
    """Return the models to measure by their labels; the teacher is left out, with a note, where it is not there."""
    teacher = published_teacher()
    found = {label: str(teacher) if label == TEACHER else label for label in models}
    if TEACHER in found and not teacher.is_dir():
        click.echo(f"note: the published cross-encoder is not there ({teacher}); it is left out", err=True)
        del found[TEACHER]
    return found


@cache
def index_seconds(folder: Path) -> float:
    """Return the seconds in which a collection is indexed; it is measured once for all models."""
    with tempfile.TemporaryDirectory() as work:
        started = time.perf_counter()
        resift("index", str(folder), "--to", f"bm25:{work}/index")
        return time.perf_counter() - started


def evaluate(name: str, folder: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the report of one evaluation, with the seconds that indexing took."""
    seconds = index_seconds(folder)
    report: dict[str, Any] = json.loads(resift("evaluate", str(folder), "--json", *arguments))
    return {"name": name, "index_seconds": seconds, **report}


def row(report: dict[str, Any]) -> str:
    """Return one line of the table: first stage -> reranked for each measure, and the seconds."""
    [one] = report["sets"]
    cells = [f"{one['first_stage'][m]:.4f} → {one['reranked'][m]:.4f}" for m in ("ndcg@10", "mrr@10", "map")]
    low, high = one["interval_95"]["ndcg@10"]
    seconds = f"{report['index_seconds']:.1f} | {one['seconds']['rerank']:.0f}"
    cells += [
        f"{one['difference']['ndcg@10']:+.4f} [{low:+.4f}, {high:+.4f}]",
        f"{one['first_stage']['recall@100']:.4f}",
    ]
    return f"| {report['name']} | {report['label']} | {one['queries']} | {' | '.join(cells)} | {seconds} |"


def jobs(names: Sequence[str]) -> list[tuple[str, Path, list[str]]]:
    """Return what is evaluated: (label, folder, further arguments)."""
    found: list[tuple[str, Path, list[str]]] = []
    for folder in sorted(path for path in collections_folder().iterdir() if path.is_dir()):
        if names and folder.name not in names:
            continue
        splits = MORE_SPLITS.get(folder.name)
        found += [(f"{folder.name} {split}", folder, ["--split", split]) for split in splits or ()]
        if not splits:
            found.append((folder.name, folder, []))
        if (folder / "runs" / "bm25.trec").is_file():
            found.append((f"{folder.name} --run runs/bm25.trec", folder, ["--run", "runs/bm25.trec"]))
    return found


@click.command()
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--option", "options", multiple=True, help="A further option of `resift evaluate`, as --option=--fusion=none."
)
@click.option(
    "--model", "models", multiple=True, default=("default", TEACHER), show_default=True, help="A model; repeat it."
)
@click.argument("names", nargs=-1)
def main(output: Path, options: tuple[str, ...], models: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Evaluate the collections NAMES (all if none is named)."""
    output.mkdir(parents=True, exist_ok=True)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for (name, folder, arguments), (label, model) in itertools.product(jobs(names), chosen(models).items()):
        kept = output / f"{name} {label}.json".replace(" ", "_").replace("/", "_")
        if not kept.exists():
            report = evaluate(name, folder, [*arguments, "--model", model, *options]) | {"label": label}
            kept.write_text(json.dumps(report, indent=1), encoding="utf-8")
        print(row(json.loads(kept.read_text(encoding="utf-8"))), flush=True)


if __name__ == "__main__":
    main()
