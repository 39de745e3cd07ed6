"""`resift delete`: delete documents of an index by their ids."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.options import grouped, settings_options
from resift.rerank.cli.stages import connect_engine, refuse_engine_flags
from resift.rerank.cli.update_output import show_update
from resift.retrieval.text_lines import STANDARD_INPUT

if TYPE_CHECKING:
    from resift.indexer.update_report import UpdateReport
    from resift.retrieval.engine.settings import ConnectionSettings


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """What to delete: ids, and a file of ids; and where an engine's refusals are listed."""

    doc_ids: tuple[str, ...]
    file: str | None
    state: Path

    def ids(self) -> Iterator[str]:
        """Yield the ids, and then the id on each line of the file that is not blank, without blanks around it.

        The one id - stands for standard input. Raises CorpusError if a file cannot be read.
        """
        from resift.retrieval.text_lines import read_lines

        piped = self.doc_ids == (STANDARD_INPUT,)
        yield from () if piped else self.doc_ids
        for file in dict.fromkeys([STANDARD_INPUT if piped else None, self.file]):
            if file is not None:
                yield from _ids_of(line for _, line in read_lines(file))


def _ids_of(lines: Iterator[str]) -> Iterator[str]:
    """Yield the id on each line, or if the first line names the columns of a table, what is in that of the id."""
    from resift.indexer.corpora.columns import find_column
    from resift.indexer.corpora.usual_names import DOCUMENTS

    first = next(lines, "")
    for delimiter in (";", "\t", ","):
        names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        column = find_column(names, DOCUMENTS.ids) if len(names) > 1 else None
        if column is not None:
            place = names.index(column)
            rows = csv.reader(lines, delimiter=delimiter)
            yield from (row[place].strip() for row in rows if len(row) > place and row[place].strip())
            return
    yield from (line.strip() for line in itertools.chain([first] if first else [], lines))


@click.command(cls=SettingsCommand)
@click.argument("doc_ids", nargs=-1, metavar="ID...")
@click.option("--from", "target", required=True, metavar="INDEX", help="bm25:PATH or http(s)://HOST:PORT/INDEX.")
@click.option(
    "--ids",
    "file",
    metavar="FILE",
    help="A file with one id a line, or a table with a column of ids; - for standard input.",
)
@click.option(
    "--state",
    default=".resift",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the list of deletions that an engine refused.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@settings_options("connection")
@grouped("request", "resift.rerank.cli.delete:DeleteRequest")
@click.pass_context
def delete(
    ctx: click.Context,
    /,
    target: str,
    request: DeleteRequest,
    as_json: bool,
    connection_settings: ConnectionSettings,
) -> int:
    """Delete the documents with these IDs from an index, embedded or of Elasticsearch or OpenSearch.

    All passages of a document go with it. Ids that the index does not have are counted. The one ID - reads the ids from
    standard input, one a line.

    \b
    resift delete 17 18 --from bm25:articles
    resift delete --ids gone.txt --from http://localhost:9200/articles
    """
    from resift.retrieval.registry import is_engine

    if not request.doc_ids and request.file is None:
        raise click.UsageError("there are no ids; name some, or a file of them with --ids FILE")
    if is_engine(target):
        change = _engine_deleter(target, connection_settings, request.state)
    else:
        refuse_engine_flags(ctx, target, "connection")
        if ctx.get_parameter_source("state") is ParameterSource.COMMANDLINE:
            raise click.UsageError("--state is for an index of Elasticsearch or OpenSearch; leave it out")
        change = _embedded_deleter(target)
    return show_update(change([*request.ids()]), target, as_json)


def _embedded_deleter(target: str) -> Callable[[Iterable[str]], UpdateReport]:
    from resift.indexer.bm25.update import delete_documents
    from resift.retrieval.registry import embedded_path

    path = embedded_path(target)
    return lambda doc_ids: delete_documents(path, doc_ids)


def _engine_deleter(
    target: str, connection: ConnectionSettings, state: Path
) -> Callable[[Iterable[str]], UpdateReport]:
    from resift.indexer.engine import update
    from resift.retrieval.engine.address import read_address

    address = read_address(target)
    engine = connect_engine(address, connection)
    return lambda doc_ids: update.delete(engine, address, doc_ids, None, update.UpdateOptions(state=state))
