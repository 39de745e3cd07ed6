"""The options of the commands that train by which the energy is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


def energy_options(command: Command) -> Command:
    """Decorate a command: give it --energy and --country."""
    country = "Whose electricity is used, such as DEU. [default: the world's average]"
    command = click.option("--country", metavar="CODE", help=country)(command)
    return click.option(
        "--energy/--no-energy", default=True, show_default=True, help="Measure the energy, for the card."
    )(command)
