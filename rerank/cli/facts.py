"""Lines of names and values, as wide as the terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping

from resift.retrieval.text import one_line


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


def columns() -> int:
    """Return the width of the terminal, or COLUMNS if it is set; else a width that breaks no line.

    So a program that reads the output gets one line for each fact.
    """
    return shutil.get_terminal_size((120 if sys.stdout.isatty() else 100_000, 24)).columns
