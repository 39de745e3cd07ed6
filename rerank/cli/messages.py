"""Lines on standard error, questions at the terminal, and texts from the command line."""

from __future__ import annotations

import os

import click

from resift.rerank.cli.text import plain


def say(message: str) -> None:
    """Write one line to standard error."""
    click.echo(plain(message), err=True)


def ask_hidden(question: str) -> str:
    """Ask at the terminal, without showing what is typed."""
    answer: str = click.prompt(question, hide_input=True, err=True)
    return answer


def read_text_argument(text: str, what: str) -> str:
    """Return a text of the command line, with invalid bytes replaced. Raises click.UsageError if it is empty."""
    from resift.retrieval.text import clean

    words = clean(os.fsencode(text).decode("utf-8", "replace") if _is_argument(text) else text)
    if not words.strip():
        raise click.UsageError(f"the {what} is empty; expected some words")
    return words


def _is_argument(text: str) -> bool:
    """Return whether `text` can be what Python decodes from the bytes of a command line."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True
