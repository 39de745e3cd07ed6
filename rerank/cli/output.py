"""Show a reranking: a table for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from resift.rerank.cli.text import plain
from resift.rerank.explanation import explain
from resift.rerank.reranker import Reranking
from resift.rerank.snippets import Snippet, best_snippet
from resift.retrieval.types import Hit

Analyze = Callable[[str], Sequence[str]]


def search_json(result: Reranking, top: int, analyze: Analyze, facts: dict[str, Any]) -> str:
    """Return one query's result as a JSON object: `query`, the `facts` about the search, and `hits`."""
    hits = []
    for row, hit in zip(explain(result, top), result.ranking.hits, strict=False):
        document = hit.document
        snippet = best_snippet(document.text, result.ranking.query.text, analyze)
        hits.append(
            {
                **row.as_json(),
                "title": document.title,
                "text": document.text,
                "snippet": snippet.text,
                "fields": dict(document.fields),
            }
        )
    body = {
        "query": result.ranking.query.text,
        **facts,
        "found": len(result.ranking.hits),
        "truncated": result.truncated,
        "query_truncated": result.query_truncated,
        "hits": hits,
    }
    return to_json(body)


def to_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return `value` as one line of JSON that is always valid UTF-8 and never contains NaN."""
    return (
        json.dumps(value, ensure_ascii=False, allow_nan=False, default=str).encode("utf-8", "replace").decode("utf-8")
    )


def print_table(result: Reranking, top: int, analyze: Analyze, caption: str) -> None:
    """Print one query's result for people: rank, move, score, title and the best snippet."""
    console = _console()
    if not result.ranking.hits:
        console.print(Text(f"Nothing in the index matches {plain(result.ranking.query.text)[:200]!r}."))
        return
    table = Table(box=None, padding=(0, 1), expand=False)
    table.add_column("#", justify="right")
    table.add_column("move", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("document", overflow="fold")
    for row, hit in zip(explain(result, top), result.ranking.hits, strict=False):
        text = _document(hit, result.ranking.query.text, analyze)
        table.add_row(
            str(row.rank), move(row.first_stage_rank, row.rank), "–" if row.shown is None else f"{row.shown:.3f}", text
        )
    console.print(table)
    console.print(Text(caption, style="dim italic"))


def print_comparison(result: Reranking, top: int, caption: str) -> None:
    """Print the first stage's order and the reranked one side by side, with how far each document moved."""
    console = _console()
    after = {hit.document.doc_id: rank for rank, hit in enumerate(result.ranking.hits, start=1)}
    table = Table(box=None, title=Text(plain(result.ranking.query.text)[:200], style="bold"), title_justify="left")
    room = max(12, (console.width - 28) // 2)
    for name, width in (("#", 3), ("first stage", room), ("goes to", 7), ("reranked", room), ("moved", 8)):
        table.add_column(name, width=width, no_wrap=True, overflow="ellipsis")
    before = {hit.document.doc_id: rank for rank, hit in enumerate(result.first_stage.hits, start=1)}
    pairs = zip(result.first_stage.top(top).hits, result.ranking.top(top).hits, strict=True)
    for rank, (old, new) in enumerate(pairs, start=1):
        moved = move(before[new.document.doc_id], rank)
        table.add_row(
            str(rank),
            _name(old),
            Text(f"→ {after[old.document.doc_id]}", style="dim"),
            _name(new),
            moved + Text(f" ({before[new.document.doc_id]})", style="dim"),
        )
    console.print(table)
    console.print(Text(caption, style="dim italic"))


def _name(hit: Hit) -> Text:
    return Text(plain(hit.document.title or hit.document.doc_id)[:120])


def show(content: RenderableType) -> None:
    """Print what rich can render; 120 columns wide if standard output is not a terminal."""
    _console().print(content)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120)


def move(before: int, after: int) -> Text:
    """Return how far a document moved: ▲ up, ▼ down, = not at all."""
    if before == after:
        return Text("=", style="dim")
    return Text(f"▲{before - after}", style="green") if before > after else Text(f"▼{after - before}", style="red")


def _document(hit: Hit, query: str, analyze: Analyze) -> Text:
    document = hit.document
    title = document.title or document.doc_id
    text = Text(plain(title)[:200], style="bold")
    if document.title:
        text.append(f"  {plain(document.doc_id)[:80]}", style="dim not bold")
    snippet = best_snippet(document.text, query, analyze)
    if snippet.text:
        text.append("\n")
        text.append_text(_marked(snippet))
    return text


def _marked(snippet: Snippet) -> Text:
    text = Text(snippet.text, style="not bold")
    for start, end in snippet.marks:
        text.stylize("bold yellow" if Console().is_terminal else "bold", start, end)
    if Console().is_terminal:
        return text
    marked, last = "", 0
    for start, end in snippet.marks:
        marked += f"{snippet.text[last:start]}*{snippet.text[start:end]}*"
        last = end
    return Text(marked + snippet.text[last:])


def echo(text: str) -> None:
    """Write one line to standard output; lone surrogates are replaced."""
    click.echo(text.encode("utf-8", "replace").decode("utf-8"))
