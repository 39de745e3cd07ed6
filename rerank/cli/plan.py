"""`resift plan`: the cheapest way to get a reranker into a cluster that already runs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.facts import columns, facts_table
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import with_flags
from resift.rerank.cli.options import settings_options
from resift.rerank.cli.stages import connect_engine

if TYPE_CHECKING:
    from resift.rerank.attach.plan import Plan
    from resift.rerank.attach.ways import Way
    from resift.retrieval.engine.settings import ConnectionSettings

_FITS = {True: "", False: " (not here)", None: " (not known whether here)"}


@click.command(cls=SettingsCommand)
@click.argument("url")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@settings_options("connection")
def plan(url: str, as_json: bool, connection_settings: ConnectionSettings) -> None:
    """Show the cheapest way to rerank the searches of the engine at URL, and the others, with what each needs.

    URL is http(s)://HOST:PORT, or with an index http(s)://HOST:PORT/INDEX. It is only read; what the user has no right
    to see is reported, with what follows from that.

    \b
    resift plan http://localhost:9200/articles
    """
    from resift.rerank.attach.engine_requests import EngineRequests
    from resift.rerank.attach.plan import make_plan
    from resift.rerank.cli.output import echo, to_json
    from resift.rerank.stages import SearchStages
    from resift.retrieval.engine.address import read_address

    address = read_address(url, index_needed=False)
    languages = SearchStages(connection=connection_settings).languages(url)  # of the default model
    with closing(EngineRequests(connect_engine(address, connection_settings))) as requests:
        found = make_plan(requests, address, languages)
    if as_json:
        echo(with_flags(to_json(found.as_json())))
        return
    for line in _lines(found):
        echo(line)


def _lines(found: Plan) -> Iterator[str]:
    """Yield the facts, the recommended way in full, the others, and what is to be known."""
    yield from facts_table({name: value for name, value in _facts(found).items() if value})
    first, *others = found.ways
    yield f"\nrecommended: {first.title}"
    yield from _way(first)
    for way in others:
        yield f"\notherwise{_FITS[way.fits]}: {way.title}"
        yield from _way(way)
    for title, lines in (("to know", found.notes), ("not known, for lack of rights", found.unknown)):
        if lines:
            yield f"\n{title}:"
            yield from _bullets(lines, "  - ")


def _facts(found: Plan) -> dict[str, str]:
    cluster, index = found.cluster, found.index
    facts = {
        "engine": f"{cluster.flavour} {cluster.version}".strip(),
        "run by": cluster.managed,
        "licence": cluster.licence,
        "plugins": ", ".join(sorted(cluster.plugins or ())),
        "search pipelines": ", ".join(cluster.pipelines),
    }
    if index is not None:
        pipelines = ", ".join(f"{pipeline} of {name}" for name, pipeline in index.pipelines.items())
        facts |= {
            "index": index.name,
            "searched": ", ".join(index.searched),
            "read": ", ".join(index.read),
            "one field": index.field,
            "language": index.language,
            "default pipeline": pipelines,
        }
    return facts


def _way(way: Way) -> Iterator[str]:
    yield from _bullets([way.why], "  because  ")
    if way.fits is False:
        return
    yield from _bullets(way.needs, "  needs    ")
    yield from _bullets(way.costs, "  costs    ")
    for command in way.commands:
        yield from (f"    {line}".rstrip() for line in command.split("\n"))


def _bullets(lines: tuple[str, ...] | list[str], mark: str) -> Iterator[str]:
    """Yield each text after `mark`, wrapped to the terminal."""
    for line in lines:
        text = with_flags(line)
        yield from textwrap.wrap(text, columns(), initial_indent=mark, subsequent_indent=" " * len(mark))
