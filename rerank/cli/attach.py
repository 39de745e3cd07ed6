"""`resift attach`: let an engine that already runs call a rerank service itself."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say_note
from resift.rerank.cli.options import grouped, settings_options
from resift.rerank.cli.stages import connect_engine

if TYPE_CHECKING:
    from resift.rerank.attach.index_facts import IndexFacts
    from resift.rerank.attach.outcome import Outcome
    from resift.rerank.attach.settings import AttachSettings
    from resift.retrieval.engine.address import Address
    from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings

_FIELDS = ("search_fields", "source_title", "source_text")
"""The settings of a search in an engine that name fields."""


@dataclasses.dataclass(frozen=True, slots=True)
class AttachStages:
    """The settings of an attachment: what is created, how the engine is reached, and which fields are used."""

    attach: AttachSettings
    connection: ConnectionSettings
    engine: EngineSettings


@dataclasses.dataclass(frozen=True, slots=True)
class AttachRequest:
    """The service and the indices of an attachment, whether it is made, and in which form it is shown."""

    service: str
    indices: tuple[str, ...]
    dry_run: bool
    as_json: bool


@click.command(cls=SettingsCommand)
@click.argument("url")
@click.option("--service", required=True, metavar="URL", help="The service's address, as the engine's nodes reach it.")
@click.option("--index", "indices", multiple=True, metavar="NAME", help="An index to choose the field by; repeat it.")
@click.option("--dry-run", is_flag=True, help="Print the requests, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@settings_options(
    "attach", "connection", "engine", into="resift.rerank.cli.attach:AttachStages", kept={"engine": _FIELDS}
)
@grouped("request", "resift.rerank.cli.attach:AttachRequest")
def attach(url: str, request: AttachRequest, stages: AttachStages) -> None:
    """Let the engine at URL call a rerank service: OpenSearch in a search pipeline, Elasticsearch in a retriever.

    URL is http(s)://HOST:PORT[/INDEX]. Everything that is created has the same name, is recorded, and is removed by
    `resift detach`. The same command again changes nothing, or completes what was interrupted; with other options it
    changes what differs. The key of the service comes from RESIFT_MODEL_API_KEY or --service-key-file.

    \b
    resift attach http://localhost:9200/articles --service http://reranker:8080 --dry-run
    resift attach http://localhost:9200/articles --service http://reranker:8080
    """
    from resift.rerank.attach.attachment import attach as attach_service
    from resift.rerank.attach.attachment import check_engine
    from resift.rerank.attach.engine_requests import with_secrets
    from resift.rerank.attach.index_facts import hooked_index
    from resift.rerank.attach.outcome import Wanted
    from resift.rerank.attach.record import RecordFile
    from resift.rerank.attach.service import check_service, read_key, read_service

    settings = stages.attach
    service = read_service(request.service, read_key(settings.service_key_file))
    record = RecordFile(settings.record)
    address = _address(url, request.indices)
    _check_field(address, stages.engine)
    engine = connect_engine(address, stages.connection)
    with closing(with_secrets(engine, (service.key,))) as requests:
        check_engine(requests)
        languages = () if request.dry_run else check_service(service)
        index = hooked_index(requests, address, stages.engine, languages)
        wanted = Wanted(
            settings.attach_name,
            index.field,
            index.name,
            index.query,
            settings.deadline_ms,
            settings.inference_service,
        )
        outcome = attach_service(requests, wanted, service, record, dry=request.dry_run)
    _say_notes(outcome, index, settings.attach_name)
    _show(outcome, request, f"{service} is attached to {engine.url} as {settings.attach_name}")


def _check_field(address: Address, settings: EngineSettings) -> None:
    """Raise UsageError if neither an index nor a field is named."""
    if not address.index and not (settings.source_text or "").strip():
        raise click.UsageError(
            "name an index, in the address (URL/INDEX) or with --index, or the field that the model reads with "
            "--source-text"
        )


def _address(url: str, indices: tuple[str, ...]) -> Address:
    """Return the address of an engine with the indices that the command names. Raises SettingsError."""
    from resift.retrieval.engine.address import read_address

    address = read_address(url, index_needed=False)
    return dataclasses.replace(address, index=",".join([*filter(None, [address.index]), *indices]))


def _say_notes(outcome: Outcome, index: IndexFacts, name: str) -> None:
    from resift.rerank.attach.index_facts import pipeline_notes

    unknown = [f"not known, for lack of rights: {one}" for one in index.unknown]
    for note in [*outcome.notes, *index.notes, *pipeline_notes(index.pipelines, name), *unknown]:
        say_note(note)


def _show(outcome: Outcome, request: AttachRequest, done: str) -> None:
    """Print the requests of a dry run, or what was done, and the search to use."""
    from resift.rerank.cli.output import echo, to_json

    if request.as_json:
        echo(to_json({"dry_run": request.dry_run, **outcome.as_json()}))
        return
    if request.dry_run:
        for step in outcome.steps:
            echo(f"{step.console()}\n")
        if not outcome.steps:
            echo("nothing would change: everything is there already\n")
    else:
        for step in outcome.steps:
            echo(f"done: {step.about}")
        echo(done if outcome.steps else f"nothing to change: {done}")
        echo("".join(f"  {kind}: {name}\n" for kind, name in outcome.objects.items()))
    if outcome.search is not None:
        echo(f"# a search whose first 100 hits are reranked\n{outcome.search.console()}")
