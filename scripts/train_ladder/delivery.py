"""Write a trained student as it is in the package: int8 alone, with its fusion, the gate's verdict, and its card."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from resift.rerank.training.record import RECORD, TRAINING_TEXTS, read_record, write_record

from .commands import resift
from .settings import COLLECTIONS, DEV, PAIRS, WEB


def deliver(work: Path, name: str, scores: str, force: bool) -> None:
    """Write the student `name` of the folder `work` into its folder "delivered".

    `scores`: the file of pairs, in `work`, that int8 is fitted to. `force`: deliver it even if it does not pass the
    gate. Raises ClickException if a step fails.
    """
    source, target = f"students/{name}", f"delivered/{name}"
    resift(work, "export", source, target, "--pairs", scores, "--int8-only", "--overwrite")
    shutil.copyfile(work / source / RECORD, work / target / RECORD)
    shutil.copyfile(work / source / TRAINING_TEXTS, work / target / TRAINING_TEXTS)
    _attribute(work / target)
    sets = [part for one in (*DEV, WEB) for part in ("--dev", f"dev/{one}")]
    resift(work, "tune", target, *sets, "--save", "--tune-cache", "cache")
    resift(work, "gate", target, *sets, "--gate-cache", "cache", *(["--force"] if force else []))
    (work / target / TRAINING_TEXTS).unlink()  # the gate's memory of what was trained on, which users do not need


def _attribute(folder: Path) -> None:
    """Name the makers and licences of all sources in the record of a model, whose data is the corpus as a whole.

    Raises ModelError if the record cannot be read, and OSError.
    """
    record = read_record(folder)
    if record is not None:
        makers = [f"{name}, {one.what}: {one.makers}, {one.licence}" for name, one in (PAIRS | COLLECTIONS).items()]
        makers_of_all, licence = "; ".join(makers), "that of each source"
        training = tuple(
            dataclasses.replace(one, licence=licence, attribution=makers_of_all) for one in record.training
        )
        write_record(folder, dataclasses.replace(record, training=training))
