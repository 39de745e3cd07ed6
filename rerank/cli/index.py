"""`resift index`: load a document collection into an index."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say, say_error, say_note, with_flags
from resift.rerank.cli.options import grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import connect_engine, refuse_engine_flags
from resift.retrieval.wording import counted, noun_for

if TYPE_CHECKING:
    from resift.indexer.bm25.build import IndexReport
    from resift.indexer.corpora import CorpusSettings, SkipReport
    from resift.indexer.engine.load import Loader, LoadReport, LoadRequest
    from resift.indexer.engine.settings import LoadSettings
    from resift.retrieval.bm25.settings import Bm25Settings
    from resift.retrieval.engine.settings import ConnectionSettings


@dataclasses.dataclass(frozen=True, slots=True)
class IndexSettings:
    """The settings of a load: how the corpus is read, and how the index is reached and filled."""

    corpus: CorpusSettings
    bm25: Bm25Settings
    load: LoadSettings
    connection: ConnectionSettings


@click.command(cls=SettingsCommand)
@click.argument("source")
@click.option("--to", "target", required=True, metavar="INDEX", help="bm25:PATH or http(s)://HOST:PORT/INDEX.")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace an index that resift made: an embedded one in one step; an engine's is removed first, see --alias.",
)
@click.option(
    "--overwrite-foreign",
    default="",
    metavar="NAME",
    help="Remove an engine's index that resift did not make, with its documents: repeat its name.",
)
@click.option("--resume", is_flag=True, help="Resume a load into an engine that was stopped.")
@click.option("--alias", metavar="NAME", help="Load a new index INDEX-TIME and point this alias to it at the end.")
@click.option(
    "--alias-from",
    default="",
    metavar="NAME",
    help="With --alias: take it from this index, which resift did not make, and which stays as it is.",
)
@click.option(
    "--keep",
    default=1,
    show_default=True,
    type=click.IntRange(min=0),
    help="With --alias: older indices to keep.",
)
@click.option("--allow-refused", is_flag=True, help="With --alias: move it even if documents were refused.")
@click.option(
    "--state",
    default=".resift",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of a load's checkpoint and list of refused documents.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@settings_options("corpus", "bm25", "load", "connection", into="resift.rerank.cli.index:IndexSettings", name="settings")
@grouped("request", "resift.indexer.engine.load:LoadRequest")
@click.pass_context
def index(
    ctx: click.Context,
    /,
    target: str,
    request: LoadRequest,
    as_json: bool,
    settings: IndexSettings,
) -> int:
    """Load the document collection SOURCE into an index, embedded or of Elasticsearch or OpenSearch.

    SOURCE is a file: JSON, CSV, TSV, Parquet, TREC, text, Markdown, HTML or PDF, also compressed; a folder of such
    files, or of BEIR; ir_datasets:NAME, nanobeir:NAME, or - for standard input. docs/documents.md has the rules.

    \b
    resift index articles.csv --to bm25:articles --id-field sku --text-field body
    resift index articles.csv --to http://localhost:9200/articles --alias live
    """
    from resift.retrieval.registry import is_engine

    _check_flags(ctx, target)
    loader = _loader(target, settings) if is_engine(target) else None
    with _resume_hint(loader, request.source):
        built, loaded, skipped = _load(request, settings, target, loader)
    if note := str(skipped):
        say(f"note: {note}")
    if built:
        return _show_built(built, target, skipped, as_json)
    assert loaded is not None
    return _show_loaded(loaded, target, request.alias, skipped, as_json)


def _load(
    request: LoadRequest, settings: IndexSettings, target: str, loader: Loader | None
) -> tuple[IndexReport | None, LoadReport | None, SkipReport]:
    """Load the documents with `loader`, or build an embedded index without one; return the reports."""
    from resift.indexer.bm25.build import BuildOptions, build_index
    from resift.indexer.bm25.segment_writer import Passages
    from resift.indexer.corpora import Reading, SkipReport, read_documents
    from resift.retrieval.registry import new_embedded_path

    reading = Reading(say_note)
    unique = loader is None or not settings.load.detects_repeated_ids
    with (
        SkipReport.opened(settings.corpus, with_flags) as skipped,
        progress("indexing", share=lambda: reading.share) as done,
        closing(read_documents(request.source, settings.corpus, skipped, reading=reading, unique=unique)) as documents,
    ):
        if loader is not None:
            return None, loader.load(documents, _described(request, settings.corpus), done), skipped
        passages = Passages(settings.load.passage_words, settings.load.passage_overlap)
        options = BuildOptions(passages, "standard input" if request.source == "-" else request.source)
        folder = new_embedded_path(target)
        built = build_index(
            documents, folder, settings.bm25, overwrite=request.overwrite, progress=done, options=options
        )
        return built, None, skipped


def _check_flags(ctx: click.Context, target: str) -> None:
    """Raise click.UsageError on flags that would have no effect."""
    from resift.retrieval.registry import is_engine

    given = {name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    refuse_engine_flags(ctx, target, "load", "connection", allowed=("--passage-words", "--passage-overlap"))
    if not is_engine(target) and given & {"resume", "alias", "overwrite_foreign"}:
        raise click.UsageError(
            "--resume, --alias and --overwrite-foreign are for an index of Elasticsearch or OpenSearch"
        )
    if "alias" not in given and given & {"keep", "allow_refused", "alias_from"}:
        raise click.UsageError(
            "--keep, --allow-refused and --alias-from need --alias NAME; leave them out, or name the alias"
        )
    if "alias" in given and given & {"overwrite", "overwrite_foreign"}:
        raise click.UsageError("--alias loads a new index and does not overwrite another one; leave out --overwrite")


def _described(request: LoadRequest, corpus: CorpusSettings) -> LoadRequest:
    """Return `request` with what identifies its source and how that is read, which a resumed load must repeat."""
    from resift.indexer.engine.resume import fingerprint

    source = fingerprint(request.source, request.resume)
    return dataclasses.replace(request, source=source, corpus_settings=corpus.fixed())


def _loader(target: str, settings: IndexSettings) -> Loader:
    from resift.indexer.engine.load import Loader
    from resift.indexer.engine.mapping import analyzer_of
    from resift.retrieval.engine.address import read_address

    language = settings.bm25.language
    if (analyzer := analyzer_of(language)) != language:
        say(f"note: engines have no analyzer for {language}; texts are analyzed as {analyzer}")
    address = read_address(target)
    return Loader(connect_engine(address, settings.connection), address, settings.bm25, settings.load)


@contextmanager
def _resume_hint(loader: Loader | None, source: str) -> Iterator[None]:
    """On interruption, print how to resume the load, if it has begun and its source can be read again."""
    from resift.retrieval.errors import CorpusError
    from resift.retrieval.text_lines import STANDARD_INPUT

    try:
        yield
    except (KeyboardInterrupt, SystemExit, CorpusError) as error:
        more = " --skip-bad" if isinstance(error, CorpusError) else ""
        if loader is not None and loader.resumable_index and source != STANDARD_INPUT:
            say(f"note: {loader.resumable_index} keeps what was loaded; the same command with --resume{more} continues")
        raise


def _show_built(report: IndexReport, target: str, skipped: SkipReport, as_json: bool) -> int:
    from resift.rerank.cli.output import echo, to_json

    if as_json:
        echo(to_json({**dataclasses.asdict(report), **skipped.counts, "index": target}))
        return 0
    rate = report.documents / report.seconds if report.seconds else 0.0
    sizes = f"{counted(report.documents, 'document')}, {counted(report.vocabulary, 'term')}"
    echo(f"{target}: {sizes}, {report.bytes / 1e6:,.1f} MB, {report.seconds:.1f} s ({rate:,.0f} documents/s)")
    return 0


def _show_loaded(report: LoadReport, target: str, alias: str | None, skipped: SkipReport, as_json: bool) -> int:
    """Show what was loaded; return 1 if the engine refused documents."""
    from resift.rerank.cli.output import echo, to_json
    from resift.retrieval.wording import counted

    if as_json:
        echo(to_json({**dataclasses.asdict(report), **skipped.counts, "target": target, "alias": alias}))
    else:
        rate = (report.documents - report.resumed_at) / report.seconds if report.seconds else 0.0
        name = f"{alias} -> {report.index}" if report.swapped else report.index
        echo(
            f"{name}: {counted(report.documents, 'document')}, {report.seconds:.1f} s ({max(rate, 0):,.0f} documents/s)"
        )
    if report.repeated:
        are = noun_for(report.repeated, "is repeated word for word and was", "are repeated word for word and were")
        say(f"note: {counted(report.repeated, 'document')} {are} loaded once")
    if report.replaced:
        held = counted(report.replaced, "document") if report.replaced > 0 else "an unknown number of documents"
        say(f"note: the earlier index {report.index} was removed with {held}")
    if report.removed:
        say(f"note: older indices of {alias} were removed: {', '.join(report.removed)} (--keep)")
    if report.before:
        say(f"note: {alias} pointed to {', '.join(report.before)} before")
    if report.unfinished:
        names = ", ".join(report.unfinished)
        say(f"note: other loads for {alias} were stopped, or are still running; their unfinished indices are {names}")
    if report.refused:
        say_error(_refusals(report, alias))
    return 1 if report.refused else 0


def _refusals(report: LoadReport, alias: str | None) -> str:
    """Return in one line how many documents were refused, the most frequent reasons, and whether the alias moved."""
    from resift.indexer.engine.refusals import most_frequent_reasons

    most = "; ".join(f"{count} × {reason}" for reason, count in most_frequent_reasons(report.refusals))
    kept = f"; {alias} was not moved: --resume --allow-refused moves it anyway" if alias and not report.swapped else ""
    refused = counted(report.refused, "document")
    return f"the engine refused {refused} ({most}); {report.refusals} lists each with its reason{kept}"
