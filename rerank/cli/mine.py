"""`resift mine`: hard negatives for training, from the user's own first stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.definitions import with_definition
from resift.rerank.cli.facts import facts_table
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import ask_hidden, say
from resift.rerank.cli.options import flags_given, grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import MODEL_SETTINGS, refuse_engine_flags
from resift.retrieval.registry import is_engine
from resift.retrieval.text import shorten
from resift.retrieval.wording import counted

if TYPE_CHECKING:
    from resift.rerank.training.mining.job import MineReport, MineRequest, MineStages
    from resift.rerank.training.mining.mined import Mined

_SHOWN_POSITIONS = 10
_SHOWN_CHARACTERS = 160
"""Characters of a document in an example."""


@click.command(cls=SettingsCommand)
@click.argument("target", metavar="INDEX")
@click.option("--queries", metavar="FILE", help="The judged queries: forms as in `resift run`.")
@click.option("--qrels", metavar="FILE", help="Their judgements: TREC, BEIR, CSV or JSON.")
@click.option("--split", metavar="NAME", help="Which qrels of a BEIR folder. [default: train]")
@click.option("--pairs", metavar="FILE", help="Queries with their documents, as `resift train` takes them.")
@click.option(
    "--clicks",
    metavar="FILE",
    help="A click log: JSON lines with query, shown and clicked, or UBI's queries, a file or an index's address.",
)
@click.option("--events", metavar="FILE", help="UBI's events, if they are not in the same file as its queries.")
@click.option(
    "--output", "--out", required=True, metavar="FILE", help="The examples to write: .jsonl, .jsonl.gz or .parquet."
)
@click.option("--overwrite", is_flag=True, help="Replace the output, and begin anew where a mine was stopped.")
@click.option("--show", default=0, metavar="N", type=click.IntRange(min=0), help="Print N queries with what was mined.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as a JSON object.")
@settings_options(
    *("mine", "clicks", "rerank", "scorer", "queries", "connection", "engine", "corpus", "bm25"),
    into="resift.rerank.training.mining.job:MineStages",
    kept={"rerank": ("template", "html"), "scorer": MODEL_SETTINGS},
)
@grouped("request", "resift.rerank.training.mining.job:MineRequest")
@click.pass_context
def mine(ctx: click.Context, /, request: MineRequest, show: int, as_json: bool, stages: MineStages) -> None:
    """Find hard negatives in INDEX for queries whose good answers are known, and write them as training examples.

    INDEX is an index (http(s)://HOST:PORT/INDEX or bm25:PATH), a BEIR folder with --split, or any collection that
    `resift index` reads. A query's negatives are what your own search finds and nobody has marked as good, unless the
    teacher scores them as high as a good one. A mine that was stopped continues if it is given again.

    \b
    resift mine bm25:articles --queries queries.tsv --qrels qrels.tsv --output negatives.jsonl
    resift mine http://localhost:9200/articles --pairs pairs.csv --ranks 10-50 --output negatives.jsonl
    resift mine bm25:articles --clicks clicks.jsonl --form labeled-list --labels grade --output lists.jsonl
    """
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.training.mining.job import MineJob

    _check(ctx, request)
    stages = with_definition(ctx, request.target, stages)
    shown: list[Mined] = []
    job = MineJob(request, stages, say, progress, ask_hidden)
    report = job.run(lambda mined: shown.append(mined) if len(shown) < show else None)
    if as_json:
        echo(to_json({**report.to_json(), "shown": [_example(one) for one in shown]}))
        return
    for one in shown:
        _show_example(one)
    _show_report(report)


def _check(ctx: click.Context, request: MineRequest) -> None:
    """Raise click.UsageError, before any work, for options that would have no effect, and a bad output."""
    refuse_engine_flags(ctx, request.target, "engine")
    if not any(is_engine(place) for place in (request.target, request.clicks or "", request.events or "")):
        refuse_engine_flags(ctx, request.target, "connection")
    if request.is_index and (flags := [*flags_given(ctx, "corpus"), *flags_given(ctx, "bm25")]):
        raise click.UsageError(f"{', '.join(flags)} would have no effect, because no index is built; leave it out")
    if request.clicks is None and (flags := flags_given(ctx, "clicks")):
        raise click.UsageError(f"{', '.join(flags)} would have no effect without --clicks; leave it out")
    if request.output == "-":
        raise click.UsageError("the examples are written to a file, so that a mine can be continued; name one")
    target = Path(request.output)
    if target.is_dir():
        raise click.UsageError(f"{target} is a folder; name a file for --output")
    if not target.name.endswith((".jsonl", ".jsonl.gz", ".parquet")):
        raise click.UsageError(f"{target.name} has no known ending; expected .jsonl, .jsonl.gz or .parquet")
    if not target.parent.is_dir():
        raise click.UsageError(
            f"{target} cannot be written: the folder {target.parent} does not exist; create it first"
        )
    inputs = [request.target, request.queries, request.qrels, request.pairs, request.clicks, request.events]
    if any(target.resolve() == Path(given).resolve() for given in inputs if given is not None):
        raise click.UsageError(f"{target} is an input of this mine; name another file to write")


def _show_example(mined: Mined) -> None:
    """Print a query with its documents, one line each."""
    from resift.rerank.cli.output import echo

    echo(f"query: {shorten(mined.query.text, _SHOWN_CHARACTERS)}")
    for one in (*mined.positives, *mined.negatives):
        facts = [one.kind, *([f"rank {one.text.rank}"] if one.text.rank else [])]
        facts += [] if one.logit is None else [f"logit {one.logit:.2f}"]
        echo(f"  {', '.join(facts)}: {shorten(one.text.text, _SHOWN_CHARACTERS)}")
    echo("")


def _example(mined: Mined) -> dict[str, object]:
    """Return a query with its documents as a JSON object."""
    return {
        "query": mined.query.text,
        "documents": [
            {
                "doc_id": one.text.doc_id,
                "kind": one.kind,
                "rank": one.text.rank,
                "logit": one.logit,
                "grade": one.text.grade,
                "text": one.text.text,
            }
            for one in (*mined.positives, *mined.negatives)
        ],
    }


def _show_report(report: MineReport) -> None:
    from resift.rerank.cli.output import echo

    tally = report.tally
    by_kind = ", ".join(f"{count:,} {kind}" for kind, count in tally.negatives.items())
    rows = {
        "queries": f"{tally.queries:,} of {tally.anchors:,} with a good answer",
        "positives": f"{tally.positives:,}",
        "negatives": f"{tally.negatives.total():,} ({by_kind})",
        "fewer than wanted": f"{counted(tally.short, 'query', 'queries')}" if tally.short else "",
        "not in the index": f"{counted(tally.missing, 'known document')}" if tally.missing else "",
        "scored": _scored(report) if tally.pairs else "",
        **{f"left out: {reason}": f"{counted(count, 'candidate')}" for reason, count in _largest(tally.left_out)},
        **{f"dropped: {reason}": f"{counted(count, 'query', 'queries')}" for reason, count in _largest(tally.dropped)},
        **{f"not used: {reason}": f"{count:,}" for reason, count in _largest(report.source)},
        "looked at": ", ".join(f"{one:.2f}" for one in report.bias[:_SHOWN_POSITIONS]),
        "written": f"{counted(tally.examples, 'example')} to {report.output}",
    }
    for line in facts_table({name: value for name, value in rows.items() if value}):
        echo(line)


def _scored(report: MineReport) -> str:
    positive, negative = report.tally.mean_logits
    means = "" if positive is None or negative is None else f"; mean logit {positive:.2f} and {negative:.2f}"
    return f"{counted(report.tally.pairs, 'pair')} by the teacher{means} (positives and negatives)"


def _largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
