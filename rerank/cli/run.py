"""`resift run`: many queries, one TREC run file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.options import settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import build_reranker, check_outputs, open_index, open_options, say, warn_of

if TYPE_CHECKING:
    from resift.rerank.pipeline import SearchSettings
    from resift.rerank.reranker import RerankSettings
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings
    from resift.retrieval.types import Ranking


@click.command()
@click.argument("index")
@click.option(
    "--queries",
    required=True,
    metavar="FILE",
    help="BEIR queries.jsonl, CSV with a header (id, text), TSV, TREC topics, or a query a line.",
)
@click.option("--output", required=True, metavar="FILE", help="The TREC run file to write; - for standard output.")
@click.option("--first-stage-output", metavar="FILE", help="Write the first stage's run as well.")
@click.option("--tag", default="resift", show_default=True, help="The run's name, its last column.")
@settings_options("connection", "engine", "search", "rerank", "scorer")
@click.pass_context
def run(
    ctx: click.Context,
    index: str,
    queries: str,
    output: str,
    first_stage_output: str | None,
    tag: str,
    search_settings: SearchSettings,
    connection_settings: ConnectionSettings,
    engine_settings: EngineSettings,
    rerank_settings: RerankSettings,
    scorer_settings: ScorerSettings,
) -> None:
    """Search INDEX for each query of a file and write the rankings as a TREC run.

    \b
    resift run bm25:articles --queries queries.jsonl --output run.trec
    """
    import sys

    from resift.indexer.corpora import read_queries
    from resift.rerank.counts import Counts
    from resift.rerank.pipeline import Pipeline
    from resift.retrieval.trec import write_run

    check_outputs([output, first_stage_output], queries, index, tag)
    todo = list(read_queries(queries))
    retriever = open_index(ctx, index, open_options(connection_settings, engine_settings, rerank_settings))
    pipeline = Pipeline(retriever, build_reranker(scorer_settings, rerank_settings))
    first_stage: list[Ranking] = []
    counts = Counts()

    def rankings() -> Iterator[Ranking]:
        with progress("searching", len(todo)) as done:
            for result in pipeline.stream(todo, search_settings.depth):
                counts.add([result])
                done(counts.queries)
                if first_stage_output:
                    first_stage.append(result.first_stage.without_texts())
                yield result.ranking

    write_run(sys.stdout if output == "-" else output, rankings(), tag)
    if first_stage_output:
        write_run(first_stage_output, first_stage, f"{tag}-first-stage")
    warn_of(counts)
    for note in retriever.notes():
        say(note)
    if counts.empty:
        say(f"note: {counts.empty} of {counts.queries} queries matched nothing")
    if output != "-":
        say(f"{output}: {counts.queries} queries, {counts.hits} lines")
