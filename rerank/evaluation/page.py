"""A report as a page of headings, paragraphs and tables, written as Markdown or as one HTML file that needs no other.

Every text comes from users' files; both forms show it literally, whatever markup it contains.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resift.retrieval.atomic_file import write_file
from resift.retrieval.errors import SettingsError
from resift.retrieval.text import one_line

Tone = Literal["", "good", "bad"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text, smaller lines below it, and whether it is good or bad news."""

    text: str
    details: tuple[str, ...] = ()
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text of one or more sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below column names; the columns in `numbers` are aligned to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG element, written into HTML as it is: whoever makes it escapes its texts. Markdown has the `text` alone."""

    svg: str
    text: str


Block = Heading | Paragraph | Table | Picture


@dataclass(frozen=True, slots=True)
class Page:
    """A title and the blocks below it."""

    title: str
    blocks: tuple[Block, ...]


_ENDINGS = (".html", ".md")
_BEGINS_A_BLOCK = re.compile(r"^(\d*)(>|[-+.)](?=\s|$))")  # a quotation or a list


def check_name(path: Path) -> None:
    """Raise SettingsError unless the name of `path` ends like one of the forms of a page."""
    if path.suffix.lower() not in _ENDINGS:
        raise SettingsError(f"{path.name!r} has an unknown form; expected a name that ends in .html or .md", "report")


def write_page(path: Path, page: Page) -> None:
    """Write `page` atomically as HTML or Markdown, as the name says. Raises SettingsError and OSError."""
    check_name(path)
    write_file(path, [to_html(page) if path.suffix.lower() == ".html" else to_markdown(page)])


def to_markdown(page: Page) -> str:
    r"""Return `page` as Markdown with the tables of GitHub's dialect.

    >>> print(to_markdown(Page("A *b*", (Paragraph("<i> | 1"),))), end="")
    # A \*b\*
    <BLANKLINE>
    &lt;i> \| 1
    """
    parts = [f"# {_literal(page.title)}"]
    for block in page.blocks:
        if isinstance(block, Heading):
            parts.append(f"## {_literal(block.text)}")
        elif isinstance(block, Paragraph | Picture):
            parts.append(_literal(block.text))
        else:
            parts.append("\n".join(_markdown_rows(block)))
    return "\n\n".join(parts) + "\n"


def to_html(page: Page) -> str:
    """Return `page` as HTML without scripts, links or files of others; light or dark as the browser prefers."""
    title = _escaped(page.title)
    body = "\n".join(_html_block(block) for block in page.blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def _markdown_rows(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(map(_literal, table.columns))} |"
    yield "|" + "|".join("---:" if number in table.numbers else "---" for number in range(len(table.columns))) + "|"
    for row in table.rows:
        yield f"| {' | '.join(map(_markdown_cell, _cells(row)))} |"


def _markdown_cell(cell: Cell) -> str:
    return "<br>".join(_literal(line) for line in (cell.text, *cell.details) if line)


def _cells(row: Sequence[Cell | str]) -> Iterable[Cell]:
    return (Cell(value) if isinstance(value, str) else value for value in row)


def _literal(text: str) -> str:
    """Return `text` on one line so that Markdown shows it as it is."""
    escaped = re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", one_line(text).replace("&", "&amp;").replace("<", "&lt;"))
    return _BEGINS_A_BLOCK.sub(r"\1\\\2", escaped)


def _html_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f'<h2 dir="auto">{_escaped(block.text)}</h2>'
    if isinstance(block, Paragraph):
        return f'<p dir="auto">{_escaped(block.text)}</p>'
    if isinstance(block, Picture):
        return f'<figure>{block.svg}<figcaption dir="auto">{_escaped(block.text)}</figcaption></figure>'
    head = "".join(_html_cell(Cell(name), "th", place in block.numbers) for place, name in enumerate(block.columns))
    rows = "\n".join(
        "<tr>" + "".join(_html_cell(cell, "td", place in block.numbers) for place, cell in enumerate(_cells(row)))
        for row in block.rows
    )
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>'


def _html_cell(cell: Cell, tag: str, number: bool) -> str:
    classes = " ".join(filter(None, ["number" if number else "", cell.tone]))
    attributes = f' class="{classes}"' if classes else ""
    details = "".join(f'<div class="detail" dir="auto">{_escaped(line)}</div>' for line in cell.details)
    return f'<{tag}{attributes} dir="auto">{_escaped(cell.text)}{details}</{tag}>'


def _escaped(text: str) -> str:
    return html.escape(one_line(text))


_STYLE = """
:root { color-scheme: light dark; --text: #1c1e21; --page: #fff; --soft: #5f6670; --line: #d9dce1; --row: #f5f6f8;
  --good: #136c3a; --bad: #a8201a; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e6ea; --page: #16181c; --soft: #a2a9b4; --line: #363b44;
  --row: #1f2228; --good: #6fcf97; --bad: #ff8a80; } }
body { margin: 2rem auto; padding: 0 1rem; max-width: 70rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; max-width: 60rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; text-align: start; vertical-align: top; border-bottom: 1px solid var(--line);
  max-width: 36rem; overflow-wrap: break-word; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody tr:nth-child(odd) { background: var(--row); }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; } figcaption { color: var(--soft); }
.number { text-align: end; white-space: nowrap; }
.detail { color: var(--soft); font-size: .87rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
@media print { body { max-width: none; } .wide { overflow: visible; } }
"""
