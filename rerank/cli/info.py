"""`resift info`: what is known about an index."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.definitions import definition_of, with_definition
from resift.rerank.cli.facts import facts_table
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import ask_hidden
from resift.rerank.cli.options import settings_options
from resift.rerank.cli.stages import refuse_engine_flags
from resift.rerank.cli.toml_file import DEFINITIONS
from resift.retrieval.wording import counted

if TYPE_CHECKING:
    from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings
    from resift.retrieval.info import IndexInfo

_MOST_FIELDS = 50


@click.command(cls=SettingsCommand)
@click.argument("index")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, with all fields.")
@settings_options("connection", "engine")
@click.pass_context
def info(
    ctx: click.Context,
    /,
    index: str,
    as_json: bool,
    connection_settings: ConnectionSettings,
    engine_settings: EngineSettings,
) -> None:
    """Show what is known about INDEX: its documents, fields, language and size, and when and from what it was made.

    INDEX is bm25:PATH, or http(s)://HOST:PORT/INDEX of an Elasticsearch or OpenSearch, which is only read; what the
    user has no right to see is left out. Of fields in several languages, those that the default model reads are named
    as searched.

    \b
    resift info bm25:articles
    """
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.stages import SearchStages
    from resift.retrieval.engine.settings import OpenOptions
    from resift.retrieval.registry import describe_index

    refuse_engine_flags(ctx, index, "connection", "engine")
    stages = with_definition(ctx, index, SearchStages(connection=connection_settings, engine=engine_settings))
    languages = stages.languages(index)  # of the default model, as `resift search` prefers them
    options = OpenOptions(connection_settings, stages.engine, ask_hidden, languages=languages)
    found = describe_index(index, options)
    if as_json:
        echo(to_json(dataclasses.asdict(found)))
        return
    definition = definition_of(ctx, index)
    if definition is not None:
        where = {"settings file": f"[{DEFINITIONS}.{definition.pattern}]"}
        found = dataclasses.replace(found, details={**found.details, **where})
    for line in _lines(found):
        echo(line)


def _lines(found: IndexInfo) -> list[str]:
    """Return the facts that are known, one a line, wrapped to the terminal, and the fields below them."""
    facts = {
        "index": found.address,
        "documents": "" if found.documents is None else f"{found.documents:,}",
        "language": found.language,
        "size": "" if found.bytes is None else size(found.bytes),
        "created": found.created,
        "source": found.source,
        **found.details,
    }
    lines = facts_table({name: value for name, value in facts.items() if value})
    fields = dict(list(found.fields.items())[:_MOST_FIELDS])
    lines += ["", f"{counted(len(found.fields), 'field')}:" if fields else "no fields"]
    lines += [f"  {line}" for line in facts_table(fields, indent=2)]
    left = len(found.fields) - len(fields)
    return [*lines, f"  and {left:,} more (--json lists all)"] if left else lines


def size(count: int) -> str:
    """Return a number of bytes in a unit that suits it.

    >>> size(512), size(2_600_000)
    ('512 bytes', '2.6 MB')
    """
    if count < 1000:
        return counted(count, "byte")
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
