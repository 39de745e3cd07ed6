"""Write a trained student as it is in the package: int8 alone, with its fusion, the gate's verdict, and its card."""

from __future__ import annotations

import shutil
from pathlib import Path

from resift.rerank.training.record import RECORD, TRAINING_TEXTS

from .commands import resift
from .settings import DEV


def deliver(work: Path, name: str, scores: Path, force: bool) -> Path:
    """Write the student `name` of the folder `work` into its "delivered", and return that folder.

    `scores`: the pairs that int8 is fitted to. `force`: deliver it even if it does not pass the gate. Raises
    ClickException if a step fails.
    """
    source, target = work / "students" / name, work / "delivered" / name
    resift("export", str(source), str(target), "--pairs", str(scores), "--int8-only", "--overwrite")
    for file in (RECORD, TRAINING_TEXTS):
        shutil.copyfile(source / file, target / file)
    sets = [part for one in DEV for part in ("--dev", str(work / "dev" / one))]
    cache = str(work / "cache")
    resift("tune", str(target), *sets, "--save", "--tune-cache", cache)
    resift("gate", str(target), *sets, "--gate-cache", cache, *(["--force"] if force else []))
    (target / TRAINING_TEXTS).unlink()  # the gate's memory of what was trained on, which users do not need
    return target
