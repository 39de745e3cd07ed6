"""`resift search`: one query against one index, shown with what the reranker moved."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import click

from resift.rerank.cli.options import settings_options
from resift.rerank.cli.stages import (
    build_reranker,
    describe,
    open_index,
    open_options,
    read_text_argument,
    say,
    warn_of,
)

if TYPE_CHECKING:
    from resift.rerank.cli.display import DisplaySettings
    from resift.rerank.pipeline import SearchSettings
    from resift.rerank.reranker import Reranking, RerankSettings
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings


@click.command()
@click.argument("index")
@click.argument("query")
@click.option("--json", "style", flag_value="json", help="Print one JSON object.")
@click.option("--compare", "style", flag_value="compare", help="Show both orders side by side, with the moves.")
@click.option("--trec", "style", flag_value="trec", help="Print TREC run lines.")
@settings_options("connection", "engine", "display", "search", "rerank", "scorer")
@click.pass_context
def search(
    ctx: click.Context,
    index: str,
    query: str,
    style: str | None,
    display_settings: DisplaySettings,
    search_settings: SearchSettings,
    connection_settings: ConnectionSettings,
    engine_settings: EngineSettings,
    rerank_settings: RerankSettings,
    scorer_settings: ScorerSettings,
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

    text = read_text_argument(query, "query")
    retriever = open_index(ctx, index, open_options(connection_settings, engine_settings, rerank_settings))
    pipeline = Pipeline(retriever, build_reranker(scorer_settings, rerank_settings))
    started = time.perf_counter()
    [result] = pipeline.search([Query("1", text)], search_settings.depth)
    seconds = time.perf_counter() - started
    facts = {
        "index": index,
        "model": scorer_settings.model,
        "order": describe(scorer_settings, rerank_settings),
        **dataclasses.asdict(search_settings),
        "rank_window_size": rerank_settings.rank_window_size,
        "seconds": round(seconds, 4),
    }
    _show(result, display_settings.top, style, facts, retriever.language)
    counts = Counts()
    counts.add([result])
    warn_of(counts)
    for note in retriever.notes():
        say(note)


def _show(result: Reranking, top: int, style: str | None, facts: dict[str, Any], language: str) -> None:
    import sys

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
