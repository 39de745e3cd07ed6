"""Train the ladder: ``python -m scripts.train_ladder WORK [STEP ...]``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from resift.retrieval.errors import ResiftError

from ..shared_data import ROOT, shared_folder
from .settings import COLLECTIONS, DEV, PAIRS, STUDENTS
from .sources import write_corpus

STEPS = ("teacher", "corpus", "distill", "deliver")


def resift(*arguments: str) -> None:
    """Run one command line of resift. Raises ClickException if it fails."""
    code = "from resift.rerank.cli.main import main; main()"
    run([sys.executable, "-c", code, *arguments])


def run(command: Sequence[str]) -> None:
    """Run a command in the root of the checkout. Raises ClickException if it fails."""
    done = subprocess.run(command, cwd=ROOT)
    if done.returncode:
        raise click.ClickException(f"step failed ({done.returncode}): {' '.join(command[-8:])}")


def teacher(work: Path) -> None:
    """Fetch the teacher."""
    run([sys.executable, "-m", "scripts.fetch_teacher", str(work / "models")])


def corpus(work: Path) -> None:
    """Write the training corpus, unless it is there."""
    if not (work / "corpus").is_dir():
        counts = write_corpus(shared_folder(), work / "corpus", PAIRS, COLLECTIONS)
        print(", ".join(f"{count:,} {name}" for name, count in counts.items()), flush=True)


def distill(work: Path, options: Sequence[str], force: bool) -> None:
    """Train all students; `options` are further ones of `resift distill`."""
    students = [part for name, spec in STUDENTS.items() for part in ("--student", f"{name}={spec}")]
    dev = [part for name in DEV for part in ("--dev", str(shared_folder() / "collections" / name))]
    source = str(work / "models" / "ms-marco-minilm-l12" / "float32")
    target = ["--out", str(work / "students"), "--work", str(work / "distillation")]
    forced = ["--force"] if force else []
    resift("distill", str(work / "corpus"), "--teacher", source, *students, *dev, *target, *forced, *options)


def deliver(work: Path) -> None:
    """Write each student as int8 alone, the form of the models in the package."""
    for name in STUDENTS:
        pairs = ["--pairs", str(work / "distillation" / "scores.jsonl")]
        folders = [str(work / "students" / name), str(work / "delivered" / name)]
        resift("export", *folders, *pairs, "--int8-only", "--overwrite")


@click.command()
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.argument("steps", nargs=-1, type=click.Choice(STEPS))
@click.option("--option", "options", multiple=True, help="A further option of `resift distill`: --option=--passes=1.")
@click.option("--force", is_flag=True, help="Deliver students that do not pass the gate; their cards say so.")
def main(work: Path, steps: tuple[str, ...], options: tuple[str, ...], force: bool) -> None:
    """Run the STEPS (teacher, corpus, distill, deliver; all if none is named), with all files in WORK."""
    work.mkdir(parents=True, exist_ok=True)
    work = work.resolve()
    try:
        for step in steps or STEPS:
            if step == "distill":
                distill(work, options, force)
            else:
                {"teacher": teacher, "corpus": corpus, "deliver": deliver}[step](work)
    except ResiftError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
