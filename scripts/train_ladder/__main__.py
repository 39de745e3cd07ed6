"""Train the ladder: ``python -m scripts.train_ladder WORK [STEP ...]``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from resift.retrieval.errors import ResiftError

from ..shared_data import ROOT, collections_folder, shared_folder
from .commands import resift, run
from .delivery import deliver
from .settings import COLLECTIONS, DELIVERED, DEV, DEV_QUERIES, PAIRS, QUESTIONS, RUNS, TEACHERS, WEB, Run
from .sources import SPLIT, write_corpus, write_dev

STEPS = ("teacher", "corpus", *RUNS)


def teacher(work: Path) -> None:
    """Fetch the teachers."""
    run(ROOT, [sys.executable, "-m", "scripts.fetch_teacher", str(work / "models"), *TEACHERS])


def corpus(work: Path) -> None:
    """Write the training corpus and the dev queries, unless they are there."""
    if not (work / "corpus").is_dir():
        counts = write_corpus(shared_folder(), work / "corpus", tuple(PAIRS), tuple(COLLECTIONS))
        print(", ".join(f"{count:,} {name}" for name, count in counts.items()), flush=True)
    for name in DEV:
        if not (work / "dev" / name).is_dir():
            write_dev(collections_folder() / name, work / "dev" / name, DEV_QUERIES)
    if not (work / "dev" / WEB).is_dir():
        write_dev(work / "corpus", work / "dev" / WEB, DEV_QUERIES, SPLIT, f"{QUESTIONS}-")


def train(work: Path, name: str, planned: Run, options: Sequence[str], force: bool) -> None:
    """Train the students of a run, and deliver them; `options` are further ones of `resift distill`."""
    earlier = {student: keep_earlier(work, name, student, base) for student, base in planned.students.items()}
    bases = {student: str(earlier[student] or base) for student, base in planned.students.items()}
    students = [part for student, base in bases.items() for part in ("--student", f"{student}={base}")]
    sets = [*(str(collections_folder().resolve() / one) for one in DEV), f"dev/{WEB}"]
    dev = [part for one in sets for part in ("--dev", one)]
    single = len(planned.students) == 1
    out = f"students/{next(iter(planned.students))}" if single else "students"
    source = ["corpus", *(part for one in planned.teachers for part in ("--teacher", one))]
    target = ["--out", out, "--work", name, "--no-export", "--no-dev-report"]
    resift(work, "distill", *source, *students, *dev, *target, *planned.options, *options)
    for student in planned.students:
        deliver(work, student, f"{name}/scores.jsonl", earlier[student], force)


def keep_earlier(work: Path, step: str, student: str, base: str) -> Path | None:
    """Return a copy, in `work`, of the delivered model from which a student goes on; None if it begins otherwise.

    The step will replace that model; with the copy as its base it can be given again.
    """
    if base != f"{DELIVERED}/{student}":
        return None
    kept = Path("earlier") / step / student
    if not (work / kept).is_dir():
        staged = work / "earlier" / f".{step}-{student}"
        shutil.rmtree(staged, ignore_errors=True)
        shutil.copytree(work / base, staged)
        (work / kept).parent.mkdir(exist_ok=True)
        staged.rename(work / kept)
    return kept


@click.command()
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.argument("steps", nargs=-1, type=click.Choice(STEPS))
@click.option("--option", "options", multiple=True, help="A further option of `resift distill`: --option=--epochs=1.")
@click.option("--force", is_flag=True, help="Deliver students that do not pass the gate; their cards say so.")
def main(work: Path, steps: tuple[str, ...], options: tuple[str, ...], force: bool) -> None:
    """Run the STEPS with all files in WORK; all of them, in their order, if none is named."""
    work.mkdir(parents=True, exist_ok=True)
    work = work.resolve()
    try:
        for step in steps or STEPS:
            if step in RUNS:
                train(work, step, RUNS[step], options, force)
            else:
                {"teacher": teacher, "corpus": corpus}[step](work)
    except ResiftError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
