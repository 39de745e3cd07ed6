"""`resift report`: what the log of an experiment and clicks say of two orders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import ask_hidden, say, with_flags
from resift.rerank.cli.options import flags_given, grouped, settings_options
from resift.rerank.cli.progress import progress
from resift.retrieval.registry import is_engine

if TYPE_CHECKING:
    from resift.rerank.evaluation.page import Page
    from resift.rerank.experiments.clicks import Clicks
    from resift.rerank.experiments.report import Selection
    from resift.rerank.training.mining.clicks.settings import ClickSettings
    from resift.retrieval.engine.settings import ConnectionSettings

_PAGE_ENDINGS = (".html", ".htm")


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What is read: logs, clicks, and which searches count; and where the page goes."""

    logs: tuple[str, ...]
    clicks: tuple[str, ...]
    index: str | None
    since: str | None
    page: str | None
    as_json: bool

    def check(self) -> None:
        """Raise click.UsageError, before any work, if a source is given twice or the page cannot be written."""
        sources = [*self.logs, *self.clicks]
        if twice := next((one for one in sources if sources.count(one) > 1), None):
            raise click.UsageError(f"{twice} is named twice; name each log and each file of clicks once")
        if self.page is None:
            return
        target = Path(self.page)
        if target.suffix.lower() not in _PAGE_ENDINGS:
            raise click.UsageError(f"{target.name} has no known ending; expected a name that ends in .html")
        if not target.parent.is_dir():
            raise click.UsageError(
                f"{target} cannot be written: the folder {target.parent} does not exist; create it first"
            )
        if any(target.resolve() == Path(one).resolve() for one in sources):
            raise click.UsageError(f"{target} is an input of this report; name another file to write")

    def selection(self) -> Selection:
        """Return which searches count. Raises SettingsError if the time cannot be read."""
        from resift.rerank.experiments.report import Selection, read_since

        return Selection(self.index, None if self.since is None else read_since(self.since))


@click.command(cls=SettingsCommand)
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option(
    "--clicks",
    metavar="FILE",
    multiple=True,
    help="Clicks: UBI's events (a file, or an index's address), or JSON lines with search_id and doc_id; repeatable.",
)
@click.option("--index", metavar="NAME", help="Only the searches of this index.")
@click.option(
    "--since", metavar="TIME", help="Only searches from then on: 2026-01-31, 2026-01-31T09:00, 7d or 12h ago."
)
@click.option("--html", "page", metavar="FILE", help="Write the report with pictures to FILE, one page of HTML.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@settings_options("clicks", "connection", kept={"clicks": ("click_actions",)})
@grouped("request", "resift.rerank.cli.report:ReportRequest")
@click.pass_context
def report(
    ctx: click.Context,
    /,
    request: ReportRequest,
    clicks_settings: ClickSettings,
    connection_settings: ConnectionSettings,
) -> None:
    """Show what the LOG of an experiment says of two orders: how they differ, how long it took, and which one won.

    The proxy writes the log, with --shadow or --interleave. Of shadow searches the report shows overlap, moves and
    times; of interleaved ones, with clicks, whether reranking helped, hurt, or cannot be told. LOG is a file, plain or
    gzip; several are read as one, and - is standard input.

    \b
    resift report searches.jsonl
    resift report searches.jsonl.1.gz searches.jsonl --clicks ubi_events.jsonl --html report.html
    resift report searches.jsonl --clicks http://localhost:9200/ubi_events --since 7d
    """
    from resift.rerank.cli.output import echo, show, to_json
    from resift.rerank.experiments.report import make_report
    from resift.rerank.experiments.report_page import experiment_page
    from resift.rerank.experiments.report_table import render

    _check_flags(ctx, request)
    request.check()
    selection = request.selection()
    clicks = _clicks(request, clicks_settings, connection_settings)
    with progress("reading", None) as done:
        found = make_report(request.logs, selection, clicks, done)
    page = _with_flags(experiment_page(found))
    if request.as_json:
        echo(to_json({**found.to_json(), "notes": list(map(with_flags, found.notes()))}))
    else:
        show(render(page))
    if request.page is not None:
        _write(Path(request.page), page)


def _check_flags(ctx: click.Context, request: ReportRequest) -> None:
    """Raise click.UsageError for options that would have no effect."""
    stages = [] if any(map(is_engine, request.clicks)) else ["connection"]
    stages += [] if request.clicks else ["clicks"]
    flags = [flag for stage in stages for flag in flags_given(ctx, stage)]
    if flags:
        missing = "an index's address as --clicks" if request.clicks else "--clicks"
        raise click.UsageError(f"{', '.join(flags)} would have no effect without {missing}; leave it out")


def _clicks(request: ReportRequest, settings: ClickSettings, connection: ConnectionSettings) -> Clicks | None:
    """Return the clicks of all sources, or None if none is named. Raises CorpusError and EngineError."""
    from resift.rerank.experiments.clicks import Clicks

    if not request.clicks:
        return None
    found = Clicks(settings.actions)
    for source in request.clicks:
        if is_engine(source):
            _scan(source, found, connection)
        else:
            found.read_file(source)
    return found


def _scan(source: str, clicks: Clicks, connection: ConnectionSettings) -> None:
    """Add the clicks of an index of UBI's events. Raises EngineError and SettingsError."""
    from resift.rerank.experiments.clicks import UBI_FIELDS
    from resift.retrieval.engine.address import read_address
    from resift.retrieval.engine.client import connect
    from resift.retrieval.engine.scan import scan

    address = read_address(source)
    engine = connect(address, connection, ask_hidden)
    try:
        for record in scan(engine, address, UBI_FIELDS):
            clicks.add(record)
    finally:
        engine.close()


def _with_flags(page: Page) -> Page:
    """Return `page` with options in place of the settings that its paragraphs name."""
    from resift.rerank.evaluation.page import Page, Paragraph

    blocks = (Paragraph(with_flags(one.text)) if isinstance(one, Paragraph) else one for one in page.blocks)
    return Page(page.title, tuple(blocks))


def _write(path: Path, page: Page) -> None:
    from resift.rerank.evaluation.page import to_html
    from resift.retrieval.atomic_file import write_file

    try:
        write_file(path, [to_html(page)])
    except OSError as error:
        raise click.ClickException(f"{error.filename or path}: cannot be written: {error.strerror}") from None
    say(f"{path}: the report with pictures")
