"""`resift search`: search one query in one index, and show how the reranker moved each hit."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from resift.rerank.cli.crossed import refuse_ignored, refuse_together
from resift.rerank.cli.definitions import with_definition
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say
from resift.rerank.cli.options import flags_given, grouped, settings_options
from resift.rerank.cli.progress import steps
from resift.rerank.cli.stages import SEARCH_STAGES, open_index, say_notes

if TYPE_CHECKING:
    from resift.rerank.cli.display import DisplaySettings
    from resift.rerank.cli.search_table import View
    from resift.rerank.explanation import Explanation
    from resift.rerank.reranker import Reranker, Reranking
    from resift.rerank.stages import SearchStages
    from resift.retrieval.types import Query

_FORMS = {"as_json": "--json", "compare": "--compare", "trec": "--trec"}


@dataclasses.dataclass(frozen=True, slots=True)
class SearchForm:
    """In which form a search is shown: as a table unless one of `as_json`, `compare` and `trec` is given.

    `explain`: with what explains each hit. `explain_words`: the rank or the id of a hit whose words are explained too.
    """

    as_json: bool
    compare: bool
    trec: bool
    explain: bool
    explain_words: str | None

    @property
    def explained(self) -> bool:
        """Whether the hits are explained."""
        return self.explain or self.explain_words is not None

    def check(self, ctx: click.Context) -> None:
        """Raise click.UsageError if two forms are given, or one that has no place for further fields."""
        refuse_together(ctx, _FORMS)
        shown = "--show" in flags_given(ctx, "display")
        if (self.compare or self.trec) and (shown or self.explained):
            form = "--compare" if self.compare else "--trec"
            if shown:
                raise click.UsageError(f"--show adds fields to the table, and {form} has no place for them")
            raise click.UsageError(f"--explain adds lines to each hit, and {form} has no place for them")
        if self.explain_words is not None and ctx.params.get("model") == "none":
            raise click.UsageError(
                "--explain-words needs a model, and --model none disables it; leave out one of the two"
            )


class SearchCommand(SettingsCommand):
    """The search command, whose words may begin with a dash after `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line. Raises click.NoSuchOption, with what to do if it was meant as a word of the query."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.possibilities:  # a misspelt option
                raise
            name = error.option_name
            message = (
                f"No such option {name!r}; words of the query that begin with a dash come after --, as in -- {name}"
            )
            raise click.NoSuchOption(name, message, ctx=ctx) from None


@click.command(cls=SearchCommand)
@click.argument("index")
@click.argument("words", metavar="QUERY...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--compare", is_flag=True, help="Show both orders side by side, with the moves.")
@click.option("--trec", is_flag=True, help="Print TREC run lines.")
@click.option("--explain", is_flag=True, help="Show what moved each hit: ranks, scores and the passage that decided.")
@click.option(
    "--explain-words",
    metavar="HIT",
    help="Also show the words that mattered for one hit, which is given by its rank or its id.",
)
@settings_options("connection", "engine", "display", "search", "rerank", "scorer", into=SEARCH_STAGES)
@grouped("form", "resift.rerank.cli.search:SearchForm")
@click.pass_context
def search(
    ctx: click.Context,
    /,
    index: str,
    words: tuple[str, ...],
    form: SearchForm,
    display_settings: DisplaySettings,
    stages: SearchStages,
) -> None:
    """Find the documents of INDEX that answer QUERY, best first.

    INDEX is http(s)://HOST:PORT/INDEX of an Elasticsearch or OpenSearch, which is only read, or bm25:PATH, as given
    to `resift index --to`. QUERY is one or more words, with or without quotes; those that begin with a dash come after
    --. A single - reads the query from standard input.

    \b
    resift search bm25:articles how do I reset my password --top 5
    resift search bm25:articles "reset password" --show url --show date
    """
    from resift.rerank.counts import Counts
    from resift.rerank.pipeline import Pipeline

    form.check(ctx)
    refuse_ignored(ctx)
    stages = with_definition(ctx, index, stages)
    query = _read_query(words)
    shown = tuple((display_settings.show or "").split(",")) if display_settings.show else ()
    retriever = open_index(ctx, index, stages, ("*", *shown) if shown or form.as_json else ())
    with steps("loading the model") as show_step:
        pipeline = Pipeline(retriever, stages.reranker())
        show_step("searching")
        started = time.perf_counter()
        [result] = pipeline.search([query], stages.search.depth)
        seconds = round(time.perf_counter() - started, 4)
        explanation = _explanation(result, pipeline.reranker, form, display_settings.top)
    facts = {"index": index, **_facts(stages, pipeline.reranker), "seconds": seconds}
    _show(result, _view(display_settings, shown, retriever.language, stages), form, facts, explanation)
    say_notes(stages, Counts.of([result]), retriever)


def _view(display: DisplaySettings, shown: tuple[str, ...], language: str, stages: SearchStages) -> View:
    from resift.rerank.cli.search_table import View
    from resift.retrieval.bm25.analysis import analyzer

    return View(display.top, analyzer(language), stages.rerank.html, shown, bool(stages.engine.filter))


def _explanation(result: Reranking, reranker: Reranker | None, form: SearchForm, top: int) -> Explanation | None:
    """Return what explains the hits that are shown, None if that was not asked for."""
    if not form.explained:
        return None
    from resift.rerank.cli.explain_table import explain_search

    return explain_search(result, reranker, top, form.explain_words)


def _facts(stages: SearchStages, reranker: Reranker | None) -> dict[str, Any]:
    """Return the settings that decided the order."""
    return {
        "model": stages.scorer.model,
        "order": stages.describe(reranker),
        "fusion": None if reranker is None else reranker.fusion.as_json(),
        **dataclasses.asdict(stages.search),
        "rank_window_size": stages.rerank.rank_window_size,
    }


def _read_query(words: tuple[str, ...]) -> Query:
    """Return the query of the command line, or of standard input if it is "-", with invalid bytes replaced.

    Raises click.UsageError if it is empty.
    """
    from resift.retrieval.text import clean
    from resift.retrieval.types import Query

    text = " ".join(words)
    if words == ("-",):
        text = sys.stdin.buffer.read().decode("utf-8", "replace").removeprefix("\ufeff")
    elif _is_argument(text):
        text = os.fsencode(text).decode("utf-8", "replace")
    if not clean(text).strip():
        raise click.UsageError("the query is empty; expected some words after INDEX")
    return Query("1", clean(text).strip() if words == ("-",) else clean(text))


def _is_argument(text: str) -> bool:
    """Return whether `text` can be what Python decodes from the bytes of a command line."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _show(
    result: Reranking, view: View, form: SearchForm, facts: dict[str, Any], explanation: Explanation | None
) -> None:
    from rich.text import Text

    from resift.rerank.cli import output, search_table
    from resift.rerank.cli.field_values import check_fields
    from resift.retrieval.trec import write_run
    from resift.retrieval.wording import counted

    check_fields(view.fields, result.ranking.hits)
    if form.as_json:
        output.echo(output.search_json(result, view, facts, explanation))
    elif form.trec:
        write_run(sys.stdout, [result.ranking.top(view.top)], "resift")
    if form.as_json or form.trec:
        if not result.ranking.hits:
            say(f"note: {search_table.nothing_found(result.ranking.query.text, view.filtered)}")
        return
    if not result.ranking.hits:
        output.show(Text(search_table.nothing_found(result.ranking.query.text, view.filtered)))
    elif form.compare:
        names = ("first stage", "reranked")
        output.show(search_table.comparison_table(result.first_stage, result.ranking, view.top, names))
    elif explanation is not None:
        from resift.rerank.cli.explain_table import explained_hits

        output.show(explained_hits(explanation, result.ranking.hits, view))
    else:
        output.show(search_table.hits_table(result, view))
    candidates = counted(len(result.ranking.hits), "candidate")
    caption = f"{candidates} by {facts['order']}, {facts['seconds']:.2f} s"
    output.show(Text(caption, style="dim italic"))
