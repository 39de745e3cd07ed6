"""Lines on standard error, and questions at the terminal."""

from __future__ import annotations

import re

import click

from resift.rerank.cli.settings_table import flags
from resift.rerank.cli.text import plain

_SETTING = re.compile(r"`(\w+)(?:=([^`]*))?`")  # `name` or `name=value`

QUIET = "resift.quiet"
"""Key in the metadata of Click's context: True if --quiet was given."""


def is_quiet() -> bool:
    """Return whether only results and errors are wanted: no notes, no progress."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(QUIET))


def say(message: str) -> None:
    """Write one line to standard error, with options in place of settings, unless --quiet was given."""
    if not is_quiet():
        click.echo(plain(with_flags(message)), err=True)


def say_note(note: str) -> None:
    """Write a note to standard error, as `say` does."""
    say(f"note: {note}")


def say_error(message: str) -> None:
    """Write one line to standard error: an error after which the command continues, to fail at its end."""
    click.echo(f"resift: error: {plain(with_flags(message))}", err=True)


def ask_hidden(question: str) -> str:
    """Ask at the terminal, without showing what is typed."""
    answer: str = click.prompt(question, hide_input=True, err=True)
    return answer


def with_flags(message: str) -> str:
    """Return a message of the library with the option of each setting that it names in backticks.

    >>> tick = chr(96)
    >>> with_flags(f"set {tick}skip_bad{tick} or {tick}keep_promoted=False{tick}")
    'set --skip-bad or --no-keep-promoted'
    """
    if "`" not in message:
        return message
    known = flags()

    def option(match: re.Match[str]) -> str:
        flag, value = known.get(match[1]), match[2]
        if flag is None:
            return match.group()
        if value == "False":
            return f"--no-{flag.removeprefix('--')}"
        return flag if value in (None, "True") else f"{flag} {value}"

    return _SETTING.sub(option, message)
