"""`resift search`: search one query in one index, and show how the reranker moved each hit."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.options import settings_options
from resift.rerank.cli.stages import SEARCH_STAGES, open_index, say_notes

if TYPE_CHECKING:
    from resift.rerank.cli.display import DisplaySettings
    from resift.rerank.reranker import Reranking
    from resift.rerank.stages import SearchStages


@click.command(cls=SettingsCommand)
@click.argument("index")
@click.argument("query")
@click.option("--json", "style", flag_value="json", help="Print one JSON object.")
@click.option("--compare", "style", flag_value="compare", help="Show both orders side by side, with the moves.")
@click.option("--trec", "style", flag_value="trec", help="Print TREC run lines.")
@settings_options("connection", "engine", "display", "search", "rerank", "scorer", into=SEARCH_STAGES)
@click.pass_context
def search(
    ctx: click.Context,
    /,
    index: str,
    query: str,
    style: str | None,
    display_settings: DisplaySettings,
    stages: SearchStages,
) -> None:
    """Find the documents of INDEX that answer QUERY, best first.

    INDEX is http(s)://HOST:PORT/INDEX of an Elasticsearch or OpenSearch, which is only read, or bm25:PATH, as given
    to `resift index --to`.

    \b
    resift search bm25:articles "how do I reset my password" --top 5
    """
    from resift.rerank.counts import Counts
    from resift.rerank.pipeline import Pipeline
    from resift.retrieval.types import Query

    text = _read_query(query)
    retriever = open_index(ctx, index, stages)
    pipeline = Pipeline(retriever, stages.reranker())
    started = time.perf_counter()
    [result] = pipeline.search([Query("1", text)], stages.search.depth)
    facts = {
        "index": index,
        "model": stages.scorer.model,
        "order": stages.describe(),
        **dataclasses.asdict(stages.search),
        "rank_window_size": stages.rerank.rank_window_size,
        "seconds": round(time.perf_counter() - started, 4),
    }
    _show(result, display_settings.top, style, facts, retriever.language)
    counts = Counts()
    counts.add([result])
    say_notes(counts, retriever)


def _read_query(text: str) -> str:
    """Return the query of the command line, with invalid bytes replaced. Raises click.UsageError if it is empty."""
    from resift.retrieval.text import clean

    words = clean(os.fsencode(text).decode("utf-8", "replace") if _is_argument(text) else text)
    if not words.strip():
        raise click.UsageError("the query is empty; expected some words")
    return words


def _is_argument(text: str) -> bool:
    """Return whether `text` can be what Python decodes from the bytes of a command line."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _show(result: Reranking, top: int, style: str | None, facts: dict[str, Any], language: str) -> None:
    from resift.rerank.cli import output
    from resift.retrieval.bm25.analysis import analyzer
    from resift.retrieval.trec import write_run

    analyze = analyzer(language)
    if style == "json":
        output.echo(output.search_json(result, top, analyze, facts))
    elif style == "trec":
        write_run(sys.stdout, [result.ranking.top(top)], "resift")
    else:
        count = len(result.ranking.hits)
        candidates = f"{count} candidate{'s' if count != 1 else ''}"
        caption = f"{candidates} by {facts['order']}, {facts['seconds']:.2f} s"
        if style == "compare":
            output.print_comparison(result, top, caption)
        else:
            output.print_table(result, top, analyze, caption)
