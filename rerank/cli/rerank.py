"""`resift rerank`: candidates in, reranked candidates out, as JSON lines."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, BinaryIO

import click
from click.core import ParameterSource

from resift.rerank.cli.definitions import definitions_of
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say
from resift.rerank.cli.options import settings_options
from resift.rerank.cli.stages import SEARCH_STAGES

if TYPE_CHECKING:
    from resift.rerank.stages import SearchStages


@click.command(cls=SettingsCommand)
@click.argument("source", type=click.File("rb"), default="-")
@click.option(
    "--top",
    default=None,
    type=click.IntRange(min=1),
    help="How many results each reply has at most. [default: all]",
)
@click.option("--return-documents", is_flag=True, help="Repeat each document in its result.")
@click.option("--query", metavar="TEXT", help="The query of requests without one, such as an engine's response.")
@settings_options("rerank", "scorer", into=SEARCH_STAGES)
@click.pass_context
def rerank(
    ctx: click.Context,
    /,
    source: BinaryIO,
    top: int | None,
    return_documents: bool,
    query: str | None,
    stages: SearchStages,
) -> None:
    """Rerank the documents of each JSON line of SOURCE (standard input if it is left out or -).

    A line is {"query": "...", "documents": [...]}; a document is a string, or an object with "text" and,
    optionally, "doc_id", "title", "score" (the first stage's: with it the scores are fused, without it the model alone
    decides) and fields of your own. A reply line is {"query", "results": [{"index", "score", "logit", ...}]},
    best first: "score" is the model's probability, and "fused" the sum of both scores where that decides the order.
    All documents are rescored, unless you give --window; other members of a line are returned unchanged. Instead of
    "documents", there may be the "hits" that `resift search --json` prints, or those of an engine's response.

    \b
    resift search bm25:articles "cat food" --json | resift rerank --model org/larger-model --top 3
    echo '{"query": "cat food", "documents": ["dogs bark", "what cats eat"]}' | resift rerank
    """
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.counts import Counts
    from resift.rerank.requests import read_requests, rerank_requests
    from resift.retrieval.text_lines import unpacked_lines

    if ctx.get_parameter_source("window") is ParameterSource.DEFAULT:
        stages = dataclasses.replace(stages, rerank=stages.rerank.unbounded())
    reranker = stages.reranker()
    if reranker is None:
        raise click.UsageError("`resift rerank` needs a model; --model none disables it")
    counts, name = Counts(), str(getattr(source, "name", "standard input"))
    requests = read_requests(unpacked_lines(source, name), name, query)
    for reply in rerank_requests(requests, reranker, top, return_documents, stages.scorer.model, definitions_of(ctx)):
        counts.add([reply.result])
        echo(to_json(reply.body))
        sys.stdout.flush()
    for note in counts.notes():
        say(note)
