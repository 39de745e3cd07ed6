"""Markdown tables and values of a card; whatever a user's text contains, it is shown literally."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from resift.rerank.training.record import Column, Source

_UNITS = {"texts": "elements", "numbers": "elements"}


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown on one line.

    >>> print(markdown_table(["a", "b"], [["1", "x"]]))
    | a | b |
    |:--|:--|
    | 1 | x |
    """
    lines = [columns, [":--"] * len(columns), *rows]
    first, rule, *others = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([first, rule.replace(" ", ""), *others])


def literal(value: object) -> str:
    """Return a value as Markdown that shows its text, on one line, whatever characters it has.

    >>> literal("a | <b>")
    '<code>a &#124; &lt;b&gt;</code>'
    """
    if isinstance(value, list | tuple):
        value = json.dumps(value, ensure_ascii=False)
    text = html.escape(str(value), quote=False).replace("|", "&#124;").replace("`", "&#96;")
    return "<code>" + "<br>".join(text.splitlines()) + "</code>"


def plain(text: str) -> str:
    r"""Return a text of a user as Markdown on one line, in which nothing is markup.

    >>> print(plain("a_b <i> [x]"))
    a\_b &lt;i&gt; \[x\]
    """
    one_line = " ".join(html.escape(text, quote=False).split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]|#~" else letter for letter in one_line)


def figure(value: float, before: float | None = None) -> str:
    """Return a measured value with four digits, and how it differs from the value `before`.

    >>> figure(0.5903, 0.54), figure(0.5)
    ('0.5903 (+0.0503)', '0.5000')
    """
    return f"{value:.4f}" if before is None else f"{value:.4f} ({value - before:+z.4f})"


def statistics_table(source: Source) -> str:
    """Return the type and the statistics of each column, "" if there are none."""
    if not source.columns:
        return ""
    names = [literal(column.name) for column in source.columns]
    types = ["type", *(_TYPES.get(column.kind, column.kind) for column in source.columns)]
    return markdown_table(["", *names], [types, ["details", *map(_details, source.columns)]])


_TYPES = {"text": "string", "number": "number", "texts": "list of strings", "numbers": "list of numbers"}


def _details(column: Column) -> str:
    if column.shares:
        items = [f"{html.escape(value)}: ~{share:.2%}" for value, share in column.shares.items()]
    else:
        unit = _UNITS.get(column.unit, column.unit)
        values = (("min", column.lowest), ("mean", column.mean), ("max", column.highest))
        items = [f"{name}: {_number(value)} {unit}".rstrip() for name, value in values]
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def _number(value: float) -> str:
    return f"{value:g}" if float(value).is_integer() else f"{value:.2f}"


def samples_table(samples: Sequence[Mapping[str, Any]]) -> str:
    """Return the first rows of a source, "" if there are none."""
    if not samples:
        return ""
    names = list(dict.fromkeys(name for sample in samples for name in sample))
    return markdown_table(
        [literal(name) for name in names], [[literal(sample.get(name, "")) for name in names] for sample in samples]
    )
