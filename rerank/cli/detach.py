"""`resift detach`: remove from an engine what `resift attach` made, and restore its settings."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import say_note
from resift.rerank.cli.options import settings_options
from resift.rerank.cli.stages import connect_engine

if TYPE_CHECKING:
    from resift.rerank.attach.settings import AttachSettings
    from resift.retrieval.engine.settings import ConnectionSettings


@click.command(cls=SettingsCommand)
@click.argument("url")
@click.option("--dry-run", is_flag=True, help="Print the requests, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@settings_options("attach", "connection", kept={"attach": ("attach_name", "record")})
def detach(
    url: str, dry_run: bool, as_json: bool, attach_settings: AttachSettings, connection_settings: ConnectionSettings
) -> None:
    """Remove from the engine at URL what `resift attach` made, completed or not, and restore the cluster's settings.

    URL is http(s)://HOST:PORT. What others made is not touched, also if it has the same name.

    \b
    resift detach http://localhost:9200 --dry-run
    resift detach http://localhost:9200
    """
    from resift.rerank.attach.attachment import detach as detach_service
    from resift.rerank.attach.engine_requests import EngineRequests
    from resift.rerank.attach.record import RecordFile
    from resift.rerank.cli.output import echo, to_json
    from resift.retrieval.engine.address import read_address

    name = attach_settings.attach_name
    record = RecordFile(attach_settings.record)
    engine = connect_engine(read_address(url, index_needed=False), connection_settings)
    with closing(EngineRequests(engine)) as requests:
        outcome = detach_service(requests, name, record, dry=dry_run)
    for note in outcome.notes:
        say_note(note)
    if as_json:
        echo(to_json({"dry_run": dry_run, **outcome.as_json()}))
        return
    for step in outcome.steps:
        echo(f"{step.console()}\n" if dry_run else f"done: {step.about}")
    if not outcome.steps:
        echo(f"nothing named {name} that resift attached is in {engine.url}")
    elif not dry_run:
        echo(f"{name} is detached from {engine.url}")
