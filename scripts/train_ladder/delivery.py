"""Write a trained student as it is in the package: int8 alone, with its fusion, the gate's verdict, and its card."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from resift.rerank.training.record import RECORD, TRAINING_TEXTS, read_record, write_record

from .commands import resift
from .settings import COLLECTIONS, DELIVERED, DEV, PAIRS, WEB


def deliver(work: Path, name: str, scores: str, earlier: Path | None, force: bool) -> None:
    """Write the student `name` of the folder `work` into its folder `DELIVERED`.

    `scores`: the file of pairs, in `work`, that int8 is fitted to. `earlier`: the model in `work` that it went on
    from, than which it must not be worse. `force`: deliver it even if it does not pass the gate. Raises ClickException
    if a step fails.
    """
    source, target = f"students/{name}", f"{DELIVERED}/{name}"
    resift(work, "export", source, target, "--pairs", scores, "--int8-only", "--overwrite")
    shutil.copyfile(work / source / RECORD, work / target / RECORD)
    shutil.copyfile(work / source / TRAINING_TEXTS, work / target / TRAINING_TEXTS)
    _attribute(work / target, None if earlier is None else work / earlier)
    sets = [part for one in (*DEV, WEB) for part in ("--dev", f"dev/{one}")]
    resift(work, "tune", target, *sets, "--save", "--tune-cache", "cache")
    base = ["--base", "none" if earlier is None else str(earlier)]
    resift(work, "gate", target, *sets, *base, "--gate-cache", "cache", *(["--force"] if force else []))
    (work / target / TRAINING_TEXTS).unlink()  # the gate's memory of what was trained on, which users do not need


def _attribute(folder: Path, earlier: Path | None) -> None:
    """Name the makers and licences of all sources in the record of a model, whose data is the corpus as a whole.

    What the model `earlier` began from, and its steps, are told as well. Raises ModelError if a record cannot be read,
    and OSError.
    """
    record = read_record(folder)
    if record is not None:
        makers = [f"{name}, {one.what}: {one.makers}, {one.licence}" for name, one in (PAIRS | COLLECTIONS).items()]
        makers_of_all, licence = "; ".join(makers), "that of each source"
        training = tuple(
            dataclasses.replace(one, licence=licence, attribution=makers_of_all) for one in record.training
        )
        before = None if earlier is None else read_record(earlier)
        begun = record.begun
        if before is not None and before.log:
            begun = f"{before.begun}, and trained in {before.log[-1].step:,} steps before"
        write_record(folder, dataclasses.replace(record, training=training, begun=begun))
