"""`resift evaluate`: by how much the second stage helps, on judged queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.options import flags_given, settings_options
from resift.rerank.cli.stages import open_options, refuse_engine_flags

if TYPE_CHECKING:
    from resift.rerank.evaluation.experiment import ExperimentResult, Mode
    from resift.rerank.pipeline import SearchSettings
    from resift.rerank.reranker import RerankSettings
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.retrieval.bm25.settings import Bm25Settings
    from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings


@click.command()
@click.argument("target")
@click.option("--queries", metavar="FILE", help="The queries, where TARGET is an index: as `resift run` takes them.")
@click.option("--qrels", metavar="FILE", help="The judgements, where TARGET is an index: TREC or BEIR qrels.")
@click.option("--split", metavar="NAME", help="Which qrels of a folder. [default: test, else dev; all with --run]")
@click.option("--run", "run_file", metavar="FILE", help="Rerank this TREC run instead of our own first stage's.")
@click.option(
    "--mode",
    type=click.Choice(["end-to-end", "comparable"]),
    default="end-to-end",
    show_default=True,
    help="end-to-end: our own first stage, nothing added. comparable: sentence-transformers' NanoBEIR protocol.",
)
@click.option("--root", metavar="FOLDER", help="A local copy of NanoBEIR, in the hub's layout.")
@click.option("--output", metavar="FOLDER", help="Write both runs, all per-query values and the report there.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--fail-if-worse", is_flag=True, help="Exit with 1 where reranking lowers the mean nDCG@10.")
@settings_options("connection", "engine", "bm25", "search", "rerank", "scorer")
@click.pass_context
def evaluate(
    ctx: click.Context,
    target: str,
    queries: str | None,
    qrels: str | None,
    split: str | None,
    run_file: str | None,
    mode: Mode,
    root: str | None,
    output: str | None,
    as_json: bool,
    fail_if_worse: bool,
    connection_settings: ConnectionSettings,
    engine_settings: EngineSettings,
    bm25_settings: Bm25Settings,
    search_settings: SearchSettings,
    rerank_settings: RerankSettings,
    scorer_settings: ScorerSettings,
) -> int:
    """Measure first stage and reranked ranking on TARGET's judged queries: nDCG@10, MRR@10, MAP, recall@100.

    TARGET is a BEIR folder, an index (http(s)://HOST:PORT/INDEX or bm25:PATH, with --queries and --qrels), or
    nanobeir (all 13 sets of the hub's NanoBEIR; nanobeir:NFCorpus,NQ names some). A folder is indexed afresh with
    the BM25 settings in force, into a temporary index.

    \b
    resift evaluate my-collection/ --output results/
    """
    from resift.rerank.cli.evaluation import Evaluator, Request, Stages, names_index

    flags = flags_given(ctx, "bm25")
    if flags and (run_file or mode == "comparable" or names_index(target)):
        raise click.UsageError(f"{', '.join(flags)} would change nothing: no index is built here; leave it out")
    refuse_engine_flags(ctx, target, "connection", "engine")
    folder = _ready(output)
    request = Request(target, queries, qrels, split, run_file, mode, root)
    options = open_options(connection_settings, engine_settings, rerank_settings)
    stages = Stages(bm25_settings, search_settings, rerank_settings, scorer_settings, options)
    result = Evaluator(stages).evaluate(request)
    _report(result, folder, as_json)
    before, after = (means["ndcg@10"] for means in result.means)
    return 1 if fail_if_worse and after < before else 0


def _ready(output: str | None) -> Path | None:
    """Make the folder of results before the long work, so that one that cannot be written costs nothing."""
    if output is None:
        return None
    if not output.strip():
        raise click.UsageError("--output is empty; name the folder of the results")
    try:
        Path(output).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{output}: the results cannot be written there: {error.strerror}") from None
    return Path(output)


def _report(result: ExperimentResult, folder: Path | None, as_json: bool) -> None:
    from resift.rerank.cli.output import echo, show, to_json
    from resift.rerank.evaluation import report

    if as_json:
        echo(to_json(report.to_json(result)))
    else:
        show(report.render(result))
    if folder:
        try:
            report.write_results(folder, result)
        except OSError as error:
            raise click.ClickException(f"{folder}: the results cannot be written: {error.strerror}") from None
