"""`resift proxy`: stand before an engine, and rerank the searches of some of its indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from resift.rerank.cli.definitions import definitions_again, definitions_of
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import is_quiet
from resift.rerank.cli.options import settings_options
from resift.retrieval.errors import SettingsError

if TYPE_CHECKING:
    from resift.rerank.proxy.settings import ProxySettings
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.rerank.service.settings import ServeSettings
    from resift.rerank.settings import RerankSettings
    from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings

_KEPT = {
    "serve": ("tls_cert", "tls_key", "tls_client_ca", "score_cache_mb", "log_format"),
    "connection": ("ca_certs", "client_cert", "client_key", "fingerprint", "verify_certs"),
    "engine": ("search_fields", "source_title", "source_text"),
}
"""The settings of other stages that a proxy has."""


@click.command(cls=SettingsCommand)
@click.option("--to", metavar="URL", help="The engine, http(s)://HOST:PORT; several nodes with commas.")
@click.option(
    "--index",
    "indices",
    multiple=True,
    metavar="NAME",
    help="An index or alias whose searches are reranked, or a pattern such as news-*; repeat it for several. Without "
    "it, the indices with an [index.NAME] table in the settings file.",
)
@click.option("--off", is_flag=True, help="Switch a running proxy off: all searches pass through unchanged.")
@click.option("--on", "undo", is_flag=True, help="Undo --off and --switch: all indices are as they were configured.")
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=MODE",
    help="Switch one index of a running proxy to off, shadow or on; repeat it for several.",
)
@click.option("--status", is_flag=True, help="Show the state of a running proxy.")
@settings_options("proxy", "serve", "scorer", "rerank", "connection", "engine", kept=_KEPT)
@click.pass_context
def proxy(
    ctx: click.Context,
    /,
    to: str | None,
    indices: tuple[str, ...],
    proxy_settings: ProxySettings,
    **others: Any,  # noqa: ANN401 - the switches and the other settings
) -> None:
    """Stand before Elasticsearch or OpenSearch: searches of some indices come back reranked, all else passes through.

    \b
    resift proxy --to http://localhost:9200 --index articles      # applications now use http://localhost:9400
    resift proxy --off                                            # a running proxy: pass everything through

    If the model is late, fails or is overloaded, the engine's own order comes back; the response header X-Resift says
    what was done. Callers' credentials are passed on. SIGUSR1 switches off, SIGUSR2 on again; SIGHUP reads the settings
    file again. Needs the extra "proxy".
    """
    switches = {name: others.pop(name) for name in ("off", "undo", "switches", "status")}
    if any(switches.values()):
        if to or indices:
            raise click.UsageError(
                "--off, --on, --switch and --status change a running proxy; leave --to and --index out"
            )
        from resift.rerank.cli.proxy_switch import switch_proxy

        switch_proxy(proxy_settings.admin, switches["off"], switches["undo"], switches["switches"])
        return
    if not to:
        raise click.UsageError("--to is missing; give the engine's address, such as --to http://localhost:9200")
    _run(ctx, to, indices, proxy_settings, others)


def _run(
    ctx: click.Context, to: str, indices: tuple[str, ...], settings: ProxySettings, stages: dict[str, Any]
) -> None:
    """Run a proxy. Raises SettingsError if a library that it needs is not installed."""
    from resift.rerank.cli.messages import say
    from resift.retrieval.extras import install_line

    try:
        from resift.rerank.proxy.server import ProxyPlan, run_proxy
        from resift.rerank.service.logs import start_log
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("resift", ""):
            raise
        raise SettingsError(f"a proxy needs {error.name}: {install_line('proxy')}") from None
    definitions = definitions_of(ctx)
    names = tuple(name.strip() for given in indices for name in given.split(",") if name.strip())
    if not names and not len(definitions):
        say("note: no index is named, so only searches with the header X-Resift: on are reranked; --index names one")
    serve: ServeSettings = stages["serve_settings"]
    start_log(serve.log_format, is_quiet())
    scorer: ScorerSettings = stages["scorer_settings"]
    rerank: RerankSettings = stages["rerank_settings"]
    connection: ConnectionSettings = stages["connection_settings"]
    engine: EngineSettings = stages["engine_settings"]
    run_proxy(
        ProxyPlan(
            to, names, settings, serve, scorer, rerank, connection, engine, definitions, lambda: definitions_again(ctx)
        )
    )
