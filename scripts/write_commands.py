"""Write docs/commands.md from the commands themselves: `python -m scripts.write_commands`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from resift.rerank.cli.main import COMMANDS, cli

TARGET = Path(__file__).parents[1] / "docs" / "commands.md"
HEADER = """# Commands

Written by `python -m scripts.write_commands` from the commands' own help; a test compares the two. Each option with
a variable can also be set in the TOML file, under the option's name (`--batch-tokens 4096` is `batch_tokens = 4096`).
"""


def document() -> str:
    """Return the reference of all commands as Markdown."""
    parts = [HEADER]
    context = click.Context(cli, info_name="resift")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        parts.append("\n".join(_command(name, command)))
    return "\n".join(parts)


def _command(name: str, command: click.Command) -> Iterator[str]:
    arguments = [p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument)]
    yield f"## resift {' '.join([name, *arguments])}"
    yield ""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        lines = paragraph.strip().splitlines()
        if lines and lines[0].strip() == "\b":
            yield from ("    " + line for line in lines[1:])
        else:
            yield " ".join(lines)
        yield ""
    yield "| option | default | variable | what it does |"
    yield "|---|---|---|---|"
    for option in command.params:
        if isinstance(option, click.Option):
            yield _row(option)
    yield ""


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    choices = f" ({', '.join(option.type.choices)})" if isinstance(option.type, click.Choice) else ""
    shown = option.show_default and option.default not in (None, "")
    default = (
        f"`{str(option.default).lower() if isinstance(option.default, bool) else option.default}`" if shown else ""
    )
    variable = f"`{option.envvar}`" if option.envvar else ""
    cells = (names, default, variable, f"{option.help or ''}{choices}".replace("|", "\\|"))
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
