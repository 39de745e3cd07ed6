"""`resift run`: many queries, one TREC run file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import click

from resift.rerank.cli.crossed import refuse_ignored
from resift.rerank.cli.definitions import with_definition
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say, say_note
from resift.rerank.cli.options import grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import SEARCH_STAGES, check_outputs, check_tag, open_index, say_notes
from resift.retrieval.wording import counted

if TYPE_CHECKING:
    from resift.indexer.corpora.query_settings import QuerySettings
    from resift.rerank.counts import Counts
    from resift.rerank.reranker import Reranking
    from resift.rerank.stages import SearchStages
    from resift.retrieval.types import Ranking


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What `resift run` reads and writes: files by name, "-" for standard output."""

    queries: str
    output: str
    first_stage_output: str | None
    tag: str


@click.command(cls=SettingsCommand)
@click.argument("index")
@click.option(
    "--queries",
    required=True,
    metavar="FILE",
    help="BEIR queries.jsonl, JSON, CSV, TSV, TREC topics, or one query per line; - for standard input.",
)
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    help="The TREC run to write, or a JSON run (.json), whose ids may have blanks; - for standard output.",
)
@click.option("--first-stage-output", metavar="FILE", help="Write the first stage's run as well, to FILE or -.")
@click.option("--tag", default="resift", show_default=True, help="The run's name, its last column.")
@settings_options("queries", "connection", "engine", "search", "rerank", "scorer", into=SEARCH_STAGES)
@grouped("files", "resift.rerank.cli.run:RunFiles")
@click.pass_context
def run(
    ctx: click.Context, /, index: str, files: RunFiles, queries_settings: QuerySettings, stages: SearchStages
) -> None:
    """Search INDEX for each query of a file and write the rankings as a TREC run.

    \b
    resift run bm25:articles --queries queries.jsonl --output run.trec
    resift run bm25:articles --queries topics.xml --query-field title,description --output run.trec
    """
    from resift.indexer.corpora import Reading, read_queries
    from resift.rerank.counts import Counts
    from resift.rerank.pipeline import Pipeline
    from resift.retrieval.trec import write_run

    refuse_ignored(ctx)
    stages = with_definition(ctx, index, stages)
    if files.output == files.first_stage_output == "-":
        raise click.UsageError("both runs would be written to standard output; name a file for one of them")
    check_outputs([files.output, files.first_stage_output], files.queries, index)
    check_tag(files.tag)
    reading = Reading(say_note)
    queries = list(read_queries(files.queries, queries_settings, reading))
    retriever = open_index(ctx, index, stages)
    results = Pipeline(retriever, stages.reranker()).stream(queries, stages.search.depth)
    first_stage: list[Ranking] = []
    counts = Counts()
    rankings = _counted(results, len(queries), counts, first_stage if files.first_stage_output else None)
    write_run(_target(files.output), rankings, files.tag)
    if files.first_stage_output:
        write_run(_target(files.first_stage_output), first_stage, f"{files.tag}-first-stage")
    say_notes(stages, counts, retriever)
    if counts.empty:
        say(f"note: {counts.empty} of {counted(counts.queries, 'query', 'queries')} matched nothing")
    if files.output != "-":
        say(f"{files.output}: {counted(counts.queries, 'query', 'queries')}, {counted(counts.hits, 'line')}")


def _target(name: str) -> str | TextIO:
    return sys.stdout if name == "-" else name


def _counted(
    results: Iterator[Reranking], total: int, counts: Counts, first_stage: list[Ranking] | None
) -> Iterator[Ranking]:
    """Yield the reranked rankings, counting them; the first stage's are added to `first_stage` if it is a list."""
    with progress("searching", total) as done:
        for result in results:
            counts.add([result])
            done(counts.queries)
            if first_stage is not None:
                first_stage.append(result.first_stage.without_texts())
            yield result.ranking
