"""The options of the commands that train by which the energy is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


def _code(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """Return the code of a country; without this check a wrong one would mean the world's average."""
    if given is not None and not (len(given) == 3 and given.isascii() and given.isalpha()):
        raise click.BadParameter(f"{given!r} is not an ISO 3166 code; expected three letters, such as DEU")
    return given


def energy_options(command: Command) -> Command:
    """Decorate a command: give it --energy and --country."""
    country = "Whose electricity is used, such as DEU. [default: the world's average]"
    command = click.option("--country", metavar="CODE", callback=_code, help=country)(command)
    return click.option(
        "--energy/--no-energy", default=True, show_default=True, help="Measure the energy, for the card."
    )(command)
