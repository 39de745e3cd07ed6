"""Show a page of headings, paragraphs and tables in the terminal; pictures are left out."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from resift.rerank.evaluation.page import Cell, Heading, Page, Paragraph, Table
from resift.retrieval.text import one_line

_STYLES = {"good": "green", "bad": "red", "": ""}


def render(page: Page) -> Group:
    """Return the blocks of `page` for a terminal, one below the other."""
    return Group(*_blocks(page))


def _blocks(page: Page) -> Iterator[RenderableType]:
    for block in page.blocks:
        if isinstance(block, Heading):
            yield Text(f"\n{one_line(block.text)}", style="bold")
        elif isinstance(block, Paragraph):
            yield Text(one_line(block.text))
        elif isinstance(block, Table):
            yield _table(block)


def _table(block: Table) -> RichTable:
    table = RichTable(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for place, name in enumerate(block.columns):
        table.add_column(Text(one_line(name)), justify="right" if place in block.numbers else "left", overflow="fold")
    for row in block.rows:
        cells = (Cell(value) if isinstance(value, str) else value for value in row)
        table.add_row(*(Text(one_line(cell.text), style=_STYLES[cell.tone]) for cell in cells))
    return table
