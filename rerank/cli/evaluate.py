"""`resift evaluate`: measure on judged queries how much the second stage helps."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from resift.rerank.cli.crossed import refuse_ignored
from resift.rerank.cli.definitions import with_definition
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import ask_hidden, say
from resift.rerank.cli.options import flags_given, grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import SEARCH_STAGES, refuse_engine_flags

if TYPE_CHECKING:
    from resift.indexer.corpora.query_settings import QuerySettings
    from resift.rerank.evaluation.evaluator import EvaluationRequest
    from resift.rerank.evaluation.experiment import ExperimentResult
    from resift.rerank.stages import SearchStages


@dataclass(frozen=True, slots=True)
class ReportOutputs:
    """Where the report of an evaluation goes: a folder of all results, one page, and the terminal.

    `worst`: how many hurt and how many helped queries are listed, None for the default of each form.
    """

    output: str | None
    page: str | None
    worst: int | None
    as_json: bool

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Make the folders before the long work, so that a path that cannot be written fails at once.

        Those that were made are removed again if the work fails and they are empty. Raises click.ClickException,
        click.UsageError, and SettingsError on a page of an unknown form.
        """
        from resift.rerank.evaluation.page import check_name

        if self.page is not None:
            check_name(Path(self.page))
        for option, given in (("--output", self.output), ("--report", self.page)):
            if given is not None and not given.strip():
                raise click.UsageError(f"{option} is empty; name the place of the results")
        if self.page is not None and Path(self.page).is_dir():
            raise click.UsageError(f"{self.page} is a folder; name a file for --report")
        missing: list[Path] = []
        for given, folder in ((self.output, Path(self.output or "")), (self.page, Path(self.page or "").parent)):
            missing += [place for place in (folder, *folder.parents) if not place.exists()]
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise click.ClickException(f"{given}: the results cannot be written there: {error.strerror}") from None
        try:
            yield
        except BaseException:
            for place in missing:
                with suppress(OSError):
                    place.rmdir()
            raise


@click.command(cls=SettingsCommand)
@click.argument("target")
@click.option("--queries", metavar="FILE", help="The queries, if TARGET is an index: forms as in `resift run`.")
@click.option("--qrels", metavar="FILE", help="The judgements, if TARGET is an index: TREC, BEIR, CSV or JSON.")
@click.option("--split", metavar="NAME", help="Which qrels of a folder. [default: test, else dev; all with --run]")
@click.option(
    "--run", "run_file", metavar="FILE", help="Rerank this TREC run instead of the ranking of our own first stage."
)
@click.option(
    "--mode",
    type=click.Choice(["end-to-end", "comparable"]),
    default="end-to-end",
    show_default=True,
    help="end-to-end: our own first stage, no relevant documents are added. comparable: sentence-transformers' "
    "NanoBEIR protocol.",
)
@click.option(
    "--root",
    metavar="FOLDER",
    help="A local copy of NanoBEIR, in the hub's layout.",
    callback=lambda ctx, option, given: (
        None if ctx.get_parameter_source(option.name) is ParameterSource.DEFAULT_MAP else given
    ),  # the root of a TOML file is the setting of `index` and `add`
)
@click.option("--output", metavar="FOLDER", help="Write both runs, all per-query values and the report there.")
@click.option("--report", "page", metavar="FILE", help="Write the report to FILE, as its name ends: .html or .md.")
@click.option(
    "--worst", metavar="N", type=click.IntRange(min=1), help="List N hurt and N helped queries of each set, with ranks."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--fail-if-worse", is_flag=True, help="Exit with 1 if reranking lowers the mean nDCG@10.")
@settings_options("queries", "connection", "engine", "bm25", "search", "rerank", "scorer", into=SEARCH_STAGES)
@grouped("request", "resift.rerank.evaluation.evaluator:EvaluationRequest")
@grouped("outputs", "resift.rerank.cli.evaluate:ReportOutputs")
@click.pass_context
def evaluate(
    ctx: click.Context,
    /,
    request: EvaluationRequest,
    outputs: ReportOutputs,
    fail_if_worse: bool,
    queries_settings: QuerySettings,
    stages: SearchStages,
) -> int:
    """Measure first stage and reranked ranking on TARGET's judged queries: nDCG@10, MRR@10, MAP, recall@100.

    TARGET is a BEIR folder, an index (http(s)://HOST:PORT/INDEX or bm25:PATH, with --queries and --qrels), or
    nanobeir (all 13 sets of the hub's NanoBEIR; nanobeir:NFCorpus,NQ names some). A folder is indexed for the
    evaluation with the effective BM25 settings, into a temporary index.

    \b
    resift evaluate my-collection/ --output results/
    resift evaluate bm25:articles --queries queries.tsv --qrels qrels.tsv --worst 5 --report report.html
    """
    from resift.rerank.evaluation.evaluator import Evaluator

    refuse_ignored(ctx)
    stages = with_definition(ctx, request.target, stages)
    flags = flags_given(ctx, "bm25")
    if flags and not request.builds_index:
        raise click.UsageError(f"{', '.join(flags)} would have no effect, because no index is built; leave it out")
    refuse_engine_flags(ctx, request.target, "connection", "engine")
    request = dataclasses.replace(request, query_settings=queries_settings)
    with outputs.prepared():
        result = Evaluator(stages, say, progress, ask_hidden).evaluate(request)
    _report(result, outputs)
    before, after = (means["ndcg@10"] for means in result.means)
    return 1 if fail_if_worse and after < before else 0


def _report(result: ExperimentResult, outputs: ReportOutputs) -> None:
    from resift.rerank.cli.output import echo, show, to_json
    from resift.rerank.evaluation import report
    from resift.rerank.evaluation.report_page import WORST

    if outputs.as_json:
        echo(to_json({**report.to_json(result), **(report.changed_to_json(result, outputs.worst or 0))}))
    else:
        from resift.rerank.evaluation.report_table import render

        show(render(result, outputs.worst or 0))
    written = outputs.output or outputs.page
    try:
        if outputs.output:
            report.write_results(Path(outputs.output), result, outputs.worst or WORST)
        if outputs.page:
            report.write_report(Path(outputs.page), result, outputs.worst or WORST)
    except OSError as error:
        raise click.ClickException(f"{error.filename or written}: cannot be written: {error.strerror}") from None
