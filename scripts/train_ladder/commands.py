"""Run commands in the root of the checkout."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import click

from ..shared_data import ROOT


def resift(*arguments: str) -> None:
    """Run one command line of resift. Raises ClickException if it fails."""
    run([sys.executable, "-m", "resift", *arguments])


def run(command: Sequence[str]) -> None:
    """Run a command in the root of the checkout. Raises ClickException if it fails."""
    done = subprocess.run(command, cwd=ROOT)
    if done.returncode:
        raise click.ClickException(f"step failed ({done.returncode}): {' '.join(command[-8:])}")
