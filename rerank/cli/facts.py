"""Lines of names and values, as wide as the terminal."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Mapping

from resift.retrieval.text import one_line

_UNBROKEN = 100_000
_USUAL = 80
_LEAST = 40


def facts_table(rows: Mapping[str, str], indent: int = 0) -> list[str]:
    """Return `rows` as lines of name and value, the value wrapped beside a long or below a longer name."""
    most = columns()
    width = min(max(map(len, rows), default=0), max(8, most // 3))
    lines = []
    for name, value in rows.items():
        label = one_line(name)
        room = max(16, most - width - 2 - indent)
        first, *rest = textwrap.wrap(one_line(value), room) or [""]
        if len(label) > width:
            lines.append(label)
            label = ""
        lines.append(f"{label:<{width}}  {first}".rstrip())
        lines += [" " * (width + 2) + line for line in rest]
    return lines


def columns(piped: int = _UNBROKEN) -> int:
    """Return how wide the output is: COLUMNS if it is a number above 0, else the terminal, else `piped`; at least 40.

    By default no line is broken for a program that reads the output, so that it gets one line for each fact.
    """
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return max(_LEAST, int(given))
    try:
        wide = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else piped
    except (OSError, ValueError):  # a stream without a file
        wide = piped
    return max(_LEAST, wide or _USUAL)  # some terminals say that they are 0 wide
