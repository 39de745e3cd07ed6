"""`resift rerank`: candidates in, reranked candidates out, as JSON lines."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, BinaryIO

import click
from click.core import ParameterSource

from resift.rerank.cli.options import settings_options
from resift.rerank.cli.stages import NO_MODEL, build_reranker, warn_of

if TYPE_CHECKING:
    from resift.rerank.reranker import RerankSettings
    from resift.rerank.scorers.settings import ScorerSettings


@click.command()
@click.argument("source", type=click.File("rb"), default="-")
@click.option(
    "--top",
    default=None,
    type=click.IntRange(min=1),
    help="How many results a line keeps. [default: all]",
)
@click.option("--return-documents", is_flag=True, help="Repeat each document in its result.")
@settings_options("rerank", "scorer")
@click.pass_context
def rerank(
    ctx: click.Context,
    source: BinaryIO,
    top: int | None,
    return_documents: bool,
    rerank_settings: RerankSettings,
    scorer_settings: ScorerSettings,
) -> None:
    """Rerank the documents of each JSON line of SOURCE (standard input where none is given).

    A line is {"query": "...", "documents": [...]}; a document is a string, or an object with "text" and, if you
    like, "doc_id", "title", "score" (the first stage's: with it the scores are fused, without it the model alone
    decides) and fields of your own. A reply line is {"query", "results": [{"index", "score", "logit", ...}]}; other
    members of a line come back as they were. All documents of a line are rescored unless --window says how many.

    \b
    echo '{"query": "cat food", "documents": ["dogs bark", "what cats eat"]}' | resift rerank
    """
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.counts import Counts
    from resift.rerank.requests import read_requests, rerank_requests

    if scorer_settings.model == NO_MODEL:
        raise click.UsageError("--model none has nothing to rerank with; name a model or leave it out")
    if ctx.get_parameter_source("window") is ParameterSource.DEFAULT:
        rerank_settings = dataclasses.replace(rerank_settings, rank_window_size=sys.maxsize)
    reranker = build_reranker(scorer_settings, rerank_settings)
    assert reranker is not None  # the model is not `none`
    counts = Counts()
    name = getattr(source, "name", "standard input")
    for reply in rerank_requests(read_requests(source, str(name)), reranker, top, return_documents):
        counts.add([reply.result])
        echo(to_json(reply.body))
        sys.stdout.flush()
    warn_of(counts)
