"""`resift add`: add documents to an existing index, or replace those with the same ids."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say, say_note, with_flags
from resift.rerank.cli.options import flags_given, grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.rerank.cli.stages import connect_engine, refuse_engine_flags
from resift.rerank.cli.update_output import optimize, show_update

if TYPE_CHECKING:
    from resift.indexer.corpora import CorpusSettings
    from resift.indexer.engine.settings import LoadSettings
    from resift.indexer.update_report import UpdateReport
    from resift.retrieval.engine.settings import ConnectionSettings
    from resift.retrieval.types import Document


@dataclasses.dataclass(frozen=True, slots=True)
class AddSettings:
    """The settings of an addition: how the documents are read, and how an engine is reached and filled."""

    corpus: CorpusSettings
    load: LoadSettings
    connection: ConnectionSettings


@dataclasses.dataclass(frozen=True, slots=True)
class AddRequest:
    """What to add, which documents of the index are kept, and where an engine's refusals are listed.

    `replace_whole`: replace documents also if that loses their titles or texts.
    """

    source: str | None
    if_absent: bool
    replace_whole: bool
    optimized: bool
    state: Path


@click.command(cls=SettingsCommand)
@click.argument("source", required=False)
@click.option("--to", "target", required=True, metavar="INDEX", help="bm25:PATH or http(s)://HOST:PORT/INDEX.")
@click.option("--if-absent", is_flag=True, help="Keep documents that the index has already, instead of replacing them.")
@click.option("--replace-whole", is_flag=True, help="Replace documents also if that loses their titles or texts.")
@click.option("--optimize", "optimized", is_flag=True, help="Merge the parts of an embedded index into one at the end.")
@click.option(
    "--state",
    default=".resift",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the list of documents that an engine refused.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@settings_options("corpus", "load", "connection", into="resift.rerank.cli.add:AddSettings", name="settings")
@grouped("request", "resift.rerank.cli.add:AddRequest")
@click.pass_context
def add(
    ctx: click.Context,
    /,
    target: str,
    request: AddRequest,
    as_json: bool,
    settings: AddSettings,
) -> int:
    """Add the documents of SOURCE to an existing index, embedded or of Elasticsearch or OpenSearch.

    A document whose id the index has replaces that one, as a whole. SOURCE is what `resift index` takes; the language
    and the passages are those of the index. To an embedded index, either all documents are added or none, and open
    searches keep the index as it was. Without SOURCE, --optimize only merges.

    \b
    resift add today.jsonl --to bm25:articles
    resift delete 17 18 --from bm25:articles
    """
    from resift.indexer.corpora import Reading, SkipReport, read_documents

    _check_flags(ctx, target, request)
    if request.source is None:
        return show_update(optimize(target), target, as_json, nothing="merged")
    change = _adder(target, request, settings)
    reading = Reading(say_note)
    with (
        SkipReport.opened(settings.corpus, with_flags) as skipped,
        progress("adding", share=lambda: reading.share) as done,
        closing(read_documents(request.source, settings.corpus, skipped, reading=reading, make_ids=False)) as documents,
    ):
        report = change(documents, done)
    if note := str(skipped):
        say(f"note: {note}")
    if request.optimized:
        optimize(target)
    return show_update(report, target, as_json, skipped.counts)


def _check_flags(ctx: click.Context, target: str, request: AddRequest) -> None:
    """Raise click.UsageError on flags that would have no effect."""
    from resift.retrieval.registry import is_engine

    loading = flags_given(ctx, "load")
    if is_engine(target):
        if request.optimized:
            raise click.UsageError("--optimize is for an embedded index; an engine merges by itself")
        if created := [flag for flag in loading if flag in ("--shards", "--replicas")]:
            raise click.UsageError(f"{', '.join(created)} is for a new index; leave it out")
    elif passages := [flag for flag in loading if flag.startswith("--passage")]:
        raise click.UsageError(f"documents are split as those of {target} are; leave out {', '.join(passages)}")
    else:
        refuse_engine_flags(ctx, target, "load", "connection")
        if ctx.get_parameter_source("state") is ParameterSource.COMMANDLINE:
            raise click.UsageError("--state is for an index of Elasticsearch or OpenSearch; leave it out")
    if request.source is None and not request.optimized:
        raise click.UsageError("Missing argument 'SOURCE': the documents to add, or - for standard input")


def _adder(
    target: str, request: AddRequest, settings: AddSettings
) -> Callable[[Iterator[Document], Callable[[int], None]], UpdateReport]:
    """Return the function that adds documents to the index, given them and a function to report progress to."""
    from resift.indexer.bm25.update import AddOptions, add_documents
    from resift.retrieval.registry import embedded_path, is_engine

    if not is_engine(target):
        path, keep, whole = embedded_path(target), request.if_absent, request.replace_whole
        return lambda documents, done: add_documents(path, documents, AddOptions(keep, whole, done))
    return _engine_adder(target, request, settings)


def _engine_adder(
    target: str, request: AddRequest, settings: AddSettings
) -> Callable[[Iterator[Document], Callable[[int], None]], UpdateReport]:
    from resift.indexer.engine import update
    from resift.retrieval.engine.address import read_address

    address = read_address(target)
    engine = connect_engine(address, settings.connection)

    def change(documents: Iterator[Document], done: Callable[[int], None]) -> UpdateReport:
        options = update.UpdateOptions(request.if_absent, request.state, done, request.replace_whole)
        return update.add(engine, address, documents, settings.load, options)

    return change
