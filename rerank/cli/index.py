"""`resift index`: a document collection goes in, an index comes out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from resift.rerank.cli.options import settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import ask_hidden, refuse_engine_flags, say

if TYPE_CHECKING:
    from resift.indexer.bm25.build import IndexReport
    from resift.indexer.corpora import CorpusSettings
    from resift.indexer.engine.load import Loader, LoadReport
    from resift.indexer.engine.settings import LoadSettings
    from resift.retrieval.bm25.settings import Bm25Settings
    from resift.retrieval.engine.settings import ConnectionSettings

STANDARD_INPUT = "-"


@click.command()
@click.argument("source")
@click.option("--to", "target", required=True, metavar="INDEX", help="bm25:PATH or http(s)://HOST:PORT/INDEX.")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace an index that stands there: an embedded one in one step; an engine's is removed first, see --alias.",
)
@click.option("--resume", is_flag=True, help="Go on with a load into an engine that was stopped.")
@click.option("--alias", metavar="NAME", help="Load a new index INDEX-TIME and let this alias stand for it at the end.")
@click.option(
    "--keep", default=1, show_default=True, type=click.IntRange(min=0), help="With --alias: older indices kept."
)
@click.option("--allow-refused", is_flag=True, help="With --alias: move it also where documents were refused.")
@click.option(
    "--state",
    default=".resift",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where a load's checkpoint and its list of refused documents are kept.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@settings_options("corpus", "bm25", "load", "connection")
@click.pass_context
def index(
    ctx: click.Context,
    source: str,
    target: str,
    overwrite: bool,
    resume: bool,
    alias: str | None,
    keep: int,
    allow_refused: bool,
    state: Path,
    as_json: bool,
    corpus_settings: CorpusSettings,
    bm25_settings: Bm25Settings,
    load_settings: LoadSettings,
    connection_settings: ConnectionSettings,
) -> int:
    """Load the document collection SOURCE into an index, embedded or of Elasticsearch or OpenSearch.

    SOURCE is a BEIR folder, a JSONL, CSV, TSV, Parquet or TREC file (.gz as well), a folder of text, Markdown or
    HTML files, ir_datasets:NAME, nanobeir:NAME, or - for JSON lines on standard input.

    \b
    resift index articles.csv --to bm25:articles --id-field sku --text-field body
    resift index articles.csv --to http://localhost:9200/articles --alias live
    """
    from resift.indexer.corpora import Reading, SkipReport, read_documents
    from resift.retrieval.registry import embedded_path, is_engine

    _check_flags(ctx, target)
    to_engine, reading = is_engine(target), Reading()
    started: list[Loader] = []
    unique = not to_engine or load_settings.passage_words > 0  # an engine tells documents from each other, not passages
    with (
        _says_how_to_go_on(started),
        SkipReport.opened(corpus_settings) as skipped,
        progress("indexing", share=lambda: reading.share) as done,
        closing(read_documents(source, corpus_settings, skipped, reading=reading, unique=unique)) as documents,
    ):
        if to_engine:
            from resift.indexer.engine.load import LoadRequest
            from resift.indexer.engine.resume import name_source

            how = dataclasses.asdict(corpus_settings)
            reading_so = {name: how[name] for name in how.keys() - {"skip_bad", "skipped_file"}}
            name = name_source(source, resume)
            request = LoadRequest(name, reading_so, overwrite, resume, alias, keep, allow_refused, state)
            loader = _loader(target, connection_settings, bm25_settings, load_settings)
            started += [loader] if source != STANDARD_INPUT else []
            loaded = loader.load(documents, request, done)
        else:
            from resift.indexer.bm25.build import build_index

            built = build_index(documents, embedded_path(target), bm25_settings, overwrite=overwrite, progress=done)
    if skipped.count:
        say(f"note: {skipped}")
    if to_engine:
        return _tell_loaded(loaded, target, alias, skipped.count, as_json)
    return _tell_built(built, target, skipped.count, as_json)


def _check_flags(ctx: click.Context, target: str) -> None:
    """Refuse flags that would change nothing. Raises click.UsageError."""
    from resift.retrieval.registry import is_engine

    given = {name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    refuse_engine_flags(ctx, target, "load", "connection")
    if not is_engine(target) and given & {"resume", "alias"}:
        raise click.UsageError("--resume and --alias are for an index of Elasticsearch or OpenSearch")
    if "alias" not in given and given & {"keep", "allow_refused"}:
        raise click.UsageError("--keep and --allow-refused go with --alias NAME; leave them out, or name the alias")
    if {"alias", "overwrite"} <= given:
        raise click.UsageError("--alias loads a new index beside the others and overwrites none; leave out --overwrite")


def _loader(target: str, connection: ConnectionSettings, bm25: Bm25Settings, settings: LoadSettings) -> Loader:
    from resift.indexer.engine.load import Loader
    from resift.indexer.engine.mapping import analyzer_of
    from resift.retrieval.engine.address import read_address
    from resift.retrieval.engine.client import connect

    if (analyzer := analyzer_of(bm25.language)) != bm25.language:
        say(f"note: engines have no analyzer for {bm25.language}; texts are analyzed as {analyzer}")
    address = read_address(target)
    return Loader(connect(address, connection, ask_hidden), address, bm25, settings)


@contextmanager
def _says_how_to_go_on(started: list[Loader]) -> Iterator[None]:
    """Tell behind the progress what is left of a load that stops, if one of those that were `started` has begun."""
    from resift.retrieval.errors import CorpusError

    try:
        yield
    except (KeyboardInterrupt, SystemExit, CorpusError) as error:
        more = " --skip-bad" if isinstance(error, CorpusError) else ""
        for loader in started:
            if loader.begun:
                say(f"note: what went into {loader.begun} stays there; the same command with --resume{more} goes on")
        raise


def _tell_built(report: IndexReport, target: str, skipped: int, as_json: bool) -> int:
    from resift.rerank.cli.output import echo, to_json

    if as_json:
        echo(to_json({**dataclasses.asdict(report), "skipped": skipped, "index": target}))
        return 0
    rate = report.documents / report.seconds if report.seconds else 0.0
    echo(
        f"{target}: {report.documents:,} documents, {report.vocabulary:,} terms, {report.bytes / 1e6:,.1f} MB, "
        f"{report.seconds:.1f} s ({rate:,.0f} documents/s)"
    )
    return 0


def _tell_loaded(report: LoadReport, target: str, alias: str | None, skipped: int, as_json: bool) -> int:
    """Show what was loaded; return 1 where the engine refused documents."""
    from resift.rerank.cli.output import echo, to_json

    if as_json:
        echo(to_json({**dataclasses.asdict(report), "skipped": skipped, "target": target, "alias": alias}))
    else:
        rate = (report.documents - report.resumed_at) / report.seconds if report.seconds else 0.0
        name = f"{alias} -> {report.index}" if report.swapped else report.index
        echo(f"{name}: {report.documents:,} documents, {report.seconds:.1f} s ({max(rate, 0):,.0f} documents/s)")
    if report.repeated:
        say(f"note: {report.repeated} documents came twice, word for word, and are in once")
    if report.before:
        say(f"note: {alias} stood for {', '.join(report.before)} before")
    if report.unfinished:
        say(f"note: other loads for {alias} left, or are filling, {', '.join(report.unfinished)}")
    if report.refused:
        say(f"resift: error: {_refusals(report, alias)}")
    return 1 if report.refused else 0


def _refusals(report: LoadReport, alias: str | None) -> str:
    """Return in one line how many documents were refused, why most of them, and what became of the alias."""
    import json
    import re
    from collections import Counter

    reasons: Counter[str] = Counter()
    with open(report.refusals, encoding="utf-8") as file:
        for line in file:
            reason = re.sub(r"^\[\d+:\d+\] ", "", json.loads(line)["reason"])  # where in the document it stands
            reasons[reason.partition(" in document")[0].partition(" of document")[0][:120]] += 1
    most = "; ".join(f"{count} × {reason}" for reason, count in reasons.most_common(2))
    kept = (
        f"; {alias} was not moved: --resume --allow-refused moves it all the same"
        if alias and not report.swapped
        else ""
    )
    return f"the engine refused {report.refused} documents ({most}); {report.refusals} says which and why{kept}"
