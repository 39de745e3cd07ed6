"""`resift serve`: answer rerank requests by HTTP, in the dialects of other rerankers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from resift.rerank.cli.definitions import definitions_of
from resift.rerank.cli.help import SettingsCommand
from resift.rerank.cli.messages import is_quiet
from resift.rerank.cli.options import settings_options

if TYPE_CHECKING:
    from resift.rerank.index_definitions import IndexDefinitions
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.rerank.service.settings import ServeSettings
    from resift.rerank.settings import RerankSettings

_RERANK = ("passages", "stride", "template", "html", "fusion", "fusion_weight")
"""The settings of the reranker that a service has; all documents of a request are always scored."""


@click.command(cls=SettingsCommand)
@settings_options("serve", "scorer", "rerank", kept={"rerank": _RERANK})
@click.pass_context
def serve(
    ctx: click.Context,
    /,
    serve_settings: ServeSettings,
    scorer_settings: ScorerSettings,
    rerank_settings: RerankSettings,
) -> None:
    """Serve a reranker by HTTP, for Elasticsearch, OpenSearch, and clients of Cohere, Jina, TEI or vLLM.

    \b
    resift serve
    curl -s localhost:8080/v1/rerank -d '{"query": "cat food", "documents": ["dogs bark", "what cats eat"]}'

    Paths: /rerank (TEI), /v1/rerank (Cohere v1, Jina, OpenSearch), /v2/rerank (Cohere v2), /score (vLLM), /info,
    /v1/models, /health, /ready, /metrics, /docs. SIGTERM answers what was accepted and ends; SIGHUP loads models, keys
    and certificates anew. Needs the extra "serve".
    """
    run = _server()
    from resift.rerank.service.logs import start_log

    start_log(serve_settings.log_format, is_quiet())
    run(serve_settings, scorer_settings, rerank_settings, definitions_of(ctx))


def _server() -> Callable[[ServeSettings, ScorerSettings, RerankSettings, IndexDefinitions], None]:
    """Return the function that serves. Raises SettingsError if a library that it needs is not installed."""
    from resift.retrieval.errors import SettingsError
    from resift.retrieval.extras import install_line

    try:
        from resift.rerank.service.server import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("resift", ""):
            raise
        raise SettingsError(f"a service needs {error.name}: {install_line('serve')}") from None
    return run
