"""`resift doctor`: check that the reranker which an engine calls really reranks, and say which setting to change."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from resift.rerank.cli.facts import columns, facts_table
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import ask_hidden, say, say_note, with_flags
from resift.rerank.cli.options import grouped, settings_options
from resift.rerank.cli.progress import steps
from resift.rerank.cli.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resift.rerank.attach.doctor.examine import DoctorRequest, Report
    from resift.rerank.attach.doctor.finding import Row
    from resift.rerank.attach.settings import AttachSettings
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.retrieval.engine.settings import ConnectionSettings

_COLOURS = {"works": "green", "warning": "yellow", "broken": "red", "not checked": "bright_black"}
_INDENT = 38
_NARROW = 70


@dataclasses.dataclass(frozen=True, slots=True)
class DoctorForm:
    """What is examined, as it is given on the command line, and in which form it is shown."""

    pipeline: str | None
    inference_id: str | None
    rerank_field: str | None
    service: str | None
    queries: str | None
    probe: bool
    probe_host: str | None
    as_json: bool

    def request(self, key: str, model: str | None, trusted: frozenset[str]) -> DoctorRequest:
        """Return what is examined, with the service's `key`, the `trusted` addresses, and the `model` of the alarms.

        Raises SettingsError if the service is not an address, and CorpusError if the queries cannot be read.
        """
        from resift.indexer.corpora import Reading, read_queries
        from resift.rerank.attach.doctor.examine import DoctorRequest
        from resift.rerank.attach.service import read_service

        given = [] if self.queries is None else read_queries(self.queries, reading=Reading(say_note))
        return DoctorRequest(
            self.pipeline,
            self.inference_id,
            self.rerank_field,
            None if self.service is None else read_service(self.service, key),
            key,
            tuple(query.text for query in given),
            self.probe,
            self.probe_host,
            model,
            trusted,
        )


@click.command(cls=SettingsCommand)
@click.argument("index")
@click.option(
    "--pipeline",
    metavar="NAME",
    help="The search pipeline of OpenSearch; the index's default, resift, or the only one that reranks if not given.",
)
@click.option("--inference-id", metavar="ID", help="The inference endpoint of Elasticsearch; found if not given.")
@click.option(
    "--rerank-field", metavar="NAME", help="The `field` of your retriever text_similarity_reranker (Elasticsearch)."
)
@click.option("--service", metavar="URL", help="The rerank service, if this machine reaches it at another address.")
@click.option("--queries", metavar="FILE", help="Queries to try; made from titles and texts of INDEX if not given.")
@click.option(
    "--probe", is_flag=True, help="Try replies of all kinds: a temporary connector calls this machine (OpenSearch)."
)
@click.option("--probe-host", metavar="HOST", help="The address of this machine for --probe; found if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@settings_options("connection", "scorer", "attach", kept={"attach": ("service_key_file", "record")})
@grouped("form", "resift.rerank.cli.doctor:DoctorForm")
@click.pass_context
def doctor(
    ctx: click.Context,
    /,
    index: str,
    form: DoctorForm,
    connection_settings: ConnectionSettings,
    scorer_settings: ScorerSettings,
    attach_settings: AttachSettings,
) -> int:
    """Check that searches of INDEX are really reranked by the service that its engine calls, and what to change if not.

    INDEX is http(s)://HOST:PORT/INDEX of an Elasticsearch or OpenSearch. Mapping, settings and connector are read,
    tricky queries and searches are sent on the real path, and the model is compared with the texts. Nothing is changed;
    --probe creates a connector and a model, and removes them. Exit code 1 if something is broken.

    \b
    resift doctor http://localhost:9200/articles
    """
    from resift.rerank.attach.doctor.examine import examine
    from resift.rerank.attach.engine_requests import open_requests
    from resift.rerank.attach.record import RecordFile
    from resift.rerank.attach.service import read_key
    from resift.rerank.cli.output import echo, to_json
    from resift.retrieval.engine.address import read_address

    key = read_key(attach_settings.service_key_file)
    named = ctx.get_parameter_source("model") not in (None, ParameterSource.DEFAULT)
    trusted = RecordFile(attach_settings.record).services()
    request = form.request(key, scorer_settings.model if named else None, trusted)
    requests = open_requests(read_address(index), connection_settings, ask_hidden, (key,))
    try:
        for note in requests.engine.notes:
            say(note)
        with steps("connecting") as show_step:
            report = examine(requests, index, request, scorer_settings, show_step)
    finally:
        requests.close()
    for line in [with_flags(to_json(report.as_json()))] if form.as_json else _lines(report):
        echo(line)
    return 1 if report.is_broken else 0


def _lines(report: Report) -> Iterator[str]:
    """Yield the report for people: each check with its outcome, what was seen, and the remedy below it."""
    from resift.rerank.attach.doctor.finding import OUTCOMES, count

    yield from facts_table({"index": report.index, "engine": report.engine})
    group = ""
    for row in report.rows:
        if row.group != group:
            group = row.group
            yield from ("", group)
        yield from _row(row)
    counts = [f"{count(list(report.rows), outcome)} {outcome}" for outcome in OUTCOMES]
    yield from ("", ", ".join(counts))


def _row(row: Row) -> Iterator[str]:
    found = row.finding
    label = click.style(f"{found.outcome:<11}", fg=_COLOURS[found.outcome])
    head = f"  {label}  {row.name:<{_INDENT - 17}}  "
    lines = _wrapped(found.seen)
    yield head + lines[0]
    yield from (" " * _INDENT + line for line in lines[1:])
    if found.remedy:
        first, *rest = _wrapped(found.remedy)
        yield " " * (_INDENT - 2) + "→ " + first
        yield from (" " * _INDENT + line for line in rest)


def _wrapped(text: str) -> list[str]:
    shown = plain(with_flags(text))
    width = max(_NARROW - _INDENT, columns() - _INDENT)
    return textwrap.wrap(shown, width, break_long_words=False, break_on_hyphens=False) or [""]
