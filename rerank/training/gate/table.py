"""The report of the gate for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from resift.rerank.evaluation.report_rows import interval, signed
from resift.rerank.training.gate.page import READING_AID, describe_overlap, headline, rows
from resift.rerank.training.gate.report import GateReport


def render(report: GateReport) -> Group:
    """Return the report for people: the verdicts of each set, the reasons, and the conclusion; fits 80 columns."""
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for name in ("set", "compared with", "verdict"):
        table.add_column(name, overflow="fold")
    for name in ("difference", "95 % interval", "queries"):
        table.add_column(name, no_wrap=True, justify="right")
    for name, rival, found in rows(report):
        one = found.comparison
        values = (name, rival, found.verdict, signed(one.difference), interval(one), str(found.queries))
        table.add_row(*map(Text, values))
    parts: list[RenderableType] = [Text(f"{report.measure}, {report.model} - rival\n"), table, Text(READING_AID)]
    parts += [Text(f"{one.name}: {describe_overlap(one)}") for one in report.sets if report.verified]
    parts += [Text(f"reason: {reason}") for reason in report.reasons]
    parts.append(Text(f"\n{headline(report)}", style="bold"))
    return Group(*parts)
