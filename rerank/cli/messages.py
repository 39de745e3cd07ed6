"""Lines on standard error, and questions at the terminal."""

from __future__ import annotations

import click

from resift.rerank.cli.text import plain


def say(message: str) -> None:
    """Write one line to standard error."""
    click.echo(plain(message), err=True)


def ask_hidden(question: str) -> str:
    """Ask at the terminal, without showing what is typed."""
    answer: str = click.prompt(question, hide_input=True, err=True)
    return answer
