"""The report of an experiment for people, as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from resift.rerank.evaluation.experiment import ExperimentResult
from resift.rerank.evaluation.judged_ranks import HEADLINE, JudgedQuery, helped, hurt, moves
from resift.rerank.evaluation.measures import MEASURES
from resift.rerank.evaluation.report_rows import (
    READING_AID,
    MeasuredRow,
    change,
    describe,
    interval,
    measured_rows,
    signed,
)
from resift.retrieval.text import one_line, shorten

_WIDE = 80  # columns that the table with one column for each measure needs
_MOST_DOCUMENTS = 5  # judged documents of a query that are listed
_LONGEST = 200  # characters of a query or a title


def render(result: ExperimentResult, worst: int = 0) -> Group:
    """Return the report for people; it fits 80 columns, and 60 with a row for each measure.

    The conditions; the measures of each set and their mean; the intervals of nDCG@10; and for each set at most `worst`
    queries that were hurt and helped, each with the ranks of its judged documents.
    """
    return Group(
        Text(f"{describe(result)}\n"),
        _Fitted(_measures_table(result), _narrow_table(result)),
        Text(),
        _Fitted(_certainty_table(result, wide=True), _certainty_table(result, wide=False)),
        Text(READING_AID),
        *(_worst(result, worst) if worst else ()),
    )


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Shows `wide` where there is room for it, else `narrow`."""

    wide: RenderableType
    narrow: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield self.wide if options.max_width >= _WIDE else self.narrow


def _measures_table(result: ExperimentResult) -> Table:
    """Return a table with a column for each measure: both values, below them the signed difference."""
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=0)
    table.add_column("set", overflow="fold")
    for name in MEASURES:
        table.add_column(name, no_wrap=True)
    for row in _sectioned(table, measured_rows(result)):
        cells = (f"{row.first_stage[name]:.4f} -> {row.reranked[name]:.4f}\n{change(row, name)}" for name in MEASURES)
        table.add_row(Text(f"{row.name}\n{row.remark}"), *map(Text, cells))
    return table


def _narrow_table(result: ExperimentResult) -> Table:
    """Return a table with a row for each measure of each set."""
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    table.add_column("set", overflow="fold")
    for name in ("measure", "before -> after", "difference"):
        table.add_column(name, no_wrap=True)
    for row in _sectioned(table, measured_rows(result)):
        names = list(MEASURES)
        values = "\n".join(f"{row.first_stage[name]:.4f} -> {row.reranked[name]:.4f}" for name in names)
        changes = "\n".join(change(row, name) for name in names)
        table.add_row(Text(f"{row.name}\n{row.remark}"), Text("\n".join(names)), Text(values), Text(changes))
    return table


def _sectioned(table: Table, rows: Sequence[MeasuredRow]) -> Iterator[MeasuredRow]:
    """Yield `rows`, and start a new section of the table before the last one."""
    yield from rows[:-1]
    table.add_section()
    yield rows[-1]


def _certainty_table(result: ExperimentResult, wide: bool) -> Table:
    """Return each set's interval of the headline measure's difference, and its wins, ties and losses.

    If it is `wide`, the difference too, which is also in the other table.
    """
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    table.add_column("set", overflow="fold")
    names = (f"{HEADLINE} by", "95 % interval") if wide else (f"95 % of {HEADLINE}",)
    for name in (*names, "wins", "ties", "losses"):
        table.add_column(name, no_wrap=True, justify="right")
    rows = measured_rows(result)
    for row in _sectioned(table, rows) if len(result.counted) > 1 else rows[:-1]:
        found = row.comparisons[HEADLINE]
        values = (signed(found.difference), interval(found)) if wide else (interval(found),)
        counts = (str(count) for count in (found.wins, found.ties, found.losses))
        table.add_row(Text(row.name), *map(Text, values), *counts)
    return table


def _worst(result: ExperimentResult, count: int) -> Iterator[RenderableType]:
    """Yield the most hurt and helped queries of each set."""
    for one in result.sets:
        for word, queries in (("hurt", hurt(one, count)), ("helped", helped(one, count))):
            yield Text(f"\n{one.name}: {word} most" if queries else f"\n{one.name}: no query was {word}", style="bold")
            for query in queries:
                yield from _query_lines(query)


def _query_lines(query: JudgedQuery) -> Iterator[RenderableType]:
    values = f"{query.before:.4f} -> {query.after:.4f}  "
    yield Text(f"{values}{one_line(query.query_id)}  {shorten(query.text, _LONGEST)}".rstrip())
    for line in moves(query, _MOST_DOCUMENTS):
        yield Padding(Text(one_line(line), style="dim"), (0, 0, 0, 4), expand=False)
