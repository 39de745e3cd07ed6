"""Run commands in a folder, so that what they record names no folder of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click


def resift(folder: Path, *arguments: str) -> None:
    """Run one command line of resift in `folder`. Raises ClickException if it fails."""
    run(folder, [sys.executable, "-m", "resift", *arguments])


def run(folder: Path, command: Sequence[str]) -> None:
    """Run a command in `folder`. Raises ClickException if it fails."""
    done = subprocess.run(command, cwd=folder)
    if done.returncode:
        raise click.ClickException(f"step failed ({done.returncode}): {' '.join(command[-8:])}")
