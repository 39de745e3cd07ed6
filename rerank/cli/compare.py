"""`resift compare`: which queries a model changes most, without judgements."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.crossed import refuse_ignored
from resift.rerank.cli.definitions import with_definition
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say, say_note
from resift.rerank.cli.options import grouped, settings_options, stage_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import SEARCH_STAGES, open_index, say_notes
from resift.retrieval.wording import counted

if TYPE_CHECKING:
    from resift.indexer.corpora import QuerySettings
    from resift.rerank.counts import Counts
    from resift.rerank.evaluation.changes import Changes
    from resift.rerank.evaluation.changes_page import Compared
    from resift.rerank.reranker import Reranker
    from resift.rerank.stages import SearchStages
    from resift.retrieval.retriever import Retriever
    from resift.retrieval.types import Query

_top_option = stage_options("display")[0]
_NONE = "none"


@dataclasses.dataclass(frozen=True, slots=True)
class CompareRequest:
    """What is compared, and how it is shown: `most` queries with their first `top` hits."""

    queries: str
    against: str
    most: int
    top: int
    page: str | None
    as_json: bool

    def check(self, model: str) -> None:
        """Raise click.UsageError, before any work, if the two orders are the same or the page cannot be written.

        Raises SettingsError if the page has an unknown form.
        """
        from resift.rerank.cli.display import DisplaySettings
        from resift.rerank.evaluation.page import check_name

        DisplaySettings(self.top)
        if self.against == model:
            raise click.UsageError(f"--model and --against are both {model}; name two models, or one and none")
        if model == _NONE:
            raise click.UsageError(f"--model none is the first stage; give --model {self.against} and --against none")
        if self.page is None:
            return
        check_name(Path(self.page))
        folder = Path(self.page).parent
        if not folder.is_dir():
            raise click.UsageError(
                f"{self.page} cannot be written: the folder {folder} does not exist; create it first"
            )


@click.command(cls=SettingsCommand)
@click.argument("index")
@click.option(
    "--queries",
    required=True,
    metavar="FILE",
    help="The queries, without judgements: formats as in `resift run`; - for standard input.",
)
@click.option(
    "--against",
    metavar="MODEL",
    default=_NONE,
    show_default=True,
    help="The model to compare --model with; none is the first stage's order.",
)
@click.option(
    "--most",
    metavar="N",
    default=10,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many queries are shown, the most changed first.",
)
@click.option("--report", "page", metavar="FILE", help="Write both orders with snippets to FILE: .html or .md.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@_top_option
@settings_options("queries", "connection", "engine", "search", "rerank", "scorer", into=SEARCH_STAGES)
@grouped("request", "resift.rerank.cli.compare:CompareRequest")
@click.pass_context
def compare(
    ctx: click.Context, /, index: str, request: CompareRequest, queries_settings: QuerySettings, stages: SearchStages
) -> None:
    """Show the queries of a file whose first hits a model changes most, both orders side by side.

    No judgements are needed: it shows where to look, not which order is better (`resift evaluate` measures that).

    \b
    resift compare bm25:articles --queries queries.txt --report changes.html
    resift compare bm25:articles --queries queries.txt --model ./my-model --against resift-small
    """
    from resift.indexer.corpora import Reading, read_queries

    refuse_ignored(ctx)
    stages = with_definition(ctx, index, stages)
    request.check(stages.scorer.model)
    reading = Reading(say_note)
    queries = list(read_queries(request.queries, queries_settings, reading))
    retriever = open_index(ctx, index, stages)
    other = dataclasses.replace(stages, scorer=dataclasses.replace(stages.scorer, model=request.against))
    rerankers = (other.reranker(), stages.reranker())
    changes, counts = _changes(queries, retriever, rerankers, request, stages.search.depth)
    say_notes(stages, counts, retriever)
    settings = {
        "index": index,
        "queries": request.queries,
        "model": stages.describe(rerankers[1]),
        "against": other.describe(rerankers[0]),
        **dataclasses.asdict(stages.search),
        "rank_window_size": stages.rerank.rank_window_size,
    }
    _show(changes, _compared(request, stages, retriever.language, settings), request)


def _changes(
    queries: list[Query],
    retriever: Retriever,
    rerankers: tuple[Reranker | None, Reranker | None],
    request: CompareRequest,
    depth: int,
) -> tuple[Changes, Counts]:
    """Return how the second of two rerankers changes the order of the first, and what it read."""
    from resift.rerank.counts import Counts
    from resift.rerank.evaluation.changes import Changes, both_orders

    changes, counts = Changes(request.top, request.most), Counts()
    with progress("comparing", len(queries)) as done:
        for before, after in both_orders(queries, retriever, rerankers, depth):
            changes.add(before.ranking, after.ranking)
            counts.add([after])
            done(changes.queries)
    return changes, counts


def _compared(request: CompareRequest, stages: SearchStages, language: str, settings: dict[str, object]) -> Compared:
    from resift.rerank.cli.search_table import View
    from resift.rerank.evaluation.changes_page import Compared
    from resift.retrieval.bm25.analysis import analyzer

    names = ("first stage", "reranked") if request.against == _NONE else (request.against, stages.scorer.model)
    view = View(request.top, analyzer(language), stages.rerank.html)
    return Compared(names, settings, lambda hit, query: view.snippet(hit, query).text, stages.rerank.html)


def _show(changes: Changes, compared: Compared, request: CompareRequest) -> None:
    """Print the changes, and write the page."""
    from rich.text import Text

    from resift.rerank.cli import output, search_table
    from resift.rerank.evaluation.changes_page import changes_page, changes_to_json, describe, summary
    from resift.rerank.evaluation.page import write_page

    if request.as_json:
        output.echo(output.to_json(changes_to_json(changes, compared)))
    else:
        for line in summary(changes, compared.names):
            output.show(Text(line))
        for query in changes.most:
            output.show(Text(""))
            output.show(search_table.comparison_table(query.before, query.after, request.top, compared.names))
            output.show(Text(f"{query.before.query.query_id}: {describe(query, request.top)}", style="dim italic"))
    if request.page is not None:
        try:
            write_page(Path(request.page), changes_page(changes, compared))
        except OSError as error:
            raise click.ClickException(f"{request.page}: cannot be written: {error.strerror}") from None
        say(f"{request.page}: {counted(len(changes.most), 'query', 'queries')}")
