"""Make text safe to show: one line, no control characters, valid UTF-8."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return `text` on one line without control characters, so that it cannot control the terminal.

    >>> plain("a\\x1b[31m\\nb")
    'a [31m b'
    """
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split()).encode("utf-8", "replace").decode("utf-8")
