"""The checkpoints of a training, and which of them are complete: a kill can lose the one that is being written."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path

COMPLETE = "complete.json"
"""Written into a checkpoint once all of its files are on disk: the size of each in bytes."""

_LONGEST_WAIT = 60.0  # seconds
_NAME = re.compile(r"checkpoint-(\d+)")


def mark_complete(checkpoint: Path, processes: int = 1) -> None:
    """Write all files of `checkpoint` to the disk, and then that it is complete. Raises OSError.

    Each of several `processes` writes the state of its random numbers, which is waited for.
    """
    states = [checkpoint / f"rng_state_{number}.pth" for number in range(processes)] if processes > 1 else []
    deadline = time.monotonic() + _LONGEST_WAIT
    while not all(state.is_file() for state in states) and time.monotonic() < deadline:
        time.sleep(0.05)
    sizes = {}
    for file in sorted(checkpoint.rglob("*")):
        if file.is_file() and file.name != COMPLETE:
            sizes[file.relative_to(checkpoint).as_posix()] = file.stat().st_size
            with open(file, "rb") as opened:
                os.fsync(opened.fileno())
    temporary = checkpoint / f".{COMPLETE}"
    temporary.write_text(json.dumps(sizes), encoding="utf-8")
    os.replace(temporary, checkpoint / COMPLETE)


def is_complete(checkpoint: Path) -> bool:
    """Return whether all files of `checkpoint` are there with the sizes that they were written with."""
    try:
        sizes = json.loads((checkpoint / COMPLETE).read_text(encoding="utf-8"))
        return all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def last_complete(folder: Path) -> Path | None:
    """Return the complete checkpoint of the highest step in `folder`, None if there is none."""
    found = [(int(match[1]), path) for path in folder.glob("checkpoint-*") if (match := _NAME.fullmatch(path.name))]
    return next((path for _, path in sorted(found, reverse=True) if is_complete(path)), None)


def remove_after(folder: Path, kept: Path | None) -> None:
    """Remove the checkpoints of later steps than `kept`, which were not complete; all of them if it is None."""
    last = -1 if kept is None else int(kept.name.rpartition("-")[2])
    for path in folder.glob("checkpoint-*"):
        match = _NAME.fullmatch(path.name)
        if match and int(match[1]) > last:
            shutil.rmtree(path, ignore_errors=True)
