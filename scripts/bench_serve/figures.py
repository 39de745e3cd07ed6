"""Percentiles, ratios with their spread, and Markdown tables."""

from __future__ import annotations

import math
import os
import statistics
import sys
import time
from collections.abc import Sequence


def percentile(values: Sequence[float], part: float) -> float:
    """Return the smallest of `values` that is at least as large as the share `part` of them; NaN if there are none.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)] if values else math.nan


def spread(values: Sequence[float]) -> str:
    """Return the median of `values`, with the lowest and the highest of them.

    >>> spread([0.9, 1.0, 0.95])
    '0.950 (0.900 to 1.000)'
    """
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table.

    >>> print(table(["server", "ratio"], [["resift", 0.9]]))
    | server | ratio |
    |---|---|
    | resift | 0.9 |
    """
    lines = [header, *rows]
    first, *others = ["| " + " | ".join(map(str, line)) + " |" for line in lines]
    return "\n".join([first, "|" + "---|" * len(header), *others])


def reached(condition: bool) -> str:
    """Return the word for a target in a table."""
    return "reached" if condition else "**missed**"


def busy() -> str:
    """Return what else the machine does, for the beginning of a report: only a quiet one gives rates that hold."""
    return f"Load of the machine before the run: {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores."


def say(line: str) -> None:
    """Print a line of progress with the time of day on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
