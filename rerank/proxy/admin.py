"""Where the proxy is switched and watched: its health, its metrics, and the switch of each index."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from resift.rerank.proxy.rules import Rules
from resift.retrieval.errors import SettingsError

HEADER = "X-Resift-Admin"
"""A change needs this header, which a web page of another site cannot send."""

_MOST = 1 << 20  # bytes of a change
_FORM = 'expected {"all": "off"}, or {"indices": {"articles": "shadow"}}; null undoes a change'


def make_admin(
    rules: Rules,
    state: Callable[[], dict[str, Any]],
    metrics: Callable[[], bytes],
    switched: Callable[[], list[str]] = lambda: [],
) -> Router:
    """Return the application: /health, /ready, /metrics, and /switch to read and to change.

    `state` returns what /ready shows, with the member "ready". `switched` is called after a change, and returns what
    is to be known of the state then.
    """

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        found = state()
        return JSONResponse(found, 200 if found["ready"] else 503)

    async def shown_metrics(_: Request) -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST)

    async def switch(request: Request) -> Response:
        return await _switch(request, rules, switched)

    return Router(
        [
            Route("/health", health),
            Route("/ready", ready),
            Route("/metrics", shown_metrics),
            Route("/switch", switch, methods=["GET", "PUT"]),
        ]
    )


async def _switch(request: Request, rules: Rules, switched: Callable[[], list[str]]) -> Response:
    """Answer a request to /switch: the state, and after a change what is to be known of it."""
    if request.method != "PUT":
        return JSONResponse(rules.describe())
    if HEADER.lower() not in request.headers:
        return _error(403, f"a change needs the header {HEADER}: 1")
    try:
        change_modes(rules, json.loads(await _body(request)))
    except SettingsError as error:
        return _error(400, str(error))
    except (ValueError, RecursionError):
        return _error(400, f"the body is not JSON; {_FORM}")
    notes = switched()
    return JSONResponse({**rules.describe(), **({"notes": notes} if notes else {})})


def change_modes(rules: Rules, wanted: object) -> None:
    """Switch the indices as `wanted` says; all or nothing. Raises SettingsError if it cannot be used."""
    known = ("all", "indices")
    if not isinstance(wanted, Mapping) or not wanted or not {*wanted} <= {*known}:
        raise SettingsError(f"{wanted!r} is not a change; {_FORM}", "switch")
    indices = wanted.get("indices", {})
    if not isinstance(indices, Mapping):
        raise SettingsError(f"{indices!r} is not an object; {_FORM}", "switch")
    changes: list[tuple[str | None, Any]] = [*indices.items()]
    if "all" in wanted:
        changes.append((None, wanted["all"]))
    for name, mode in changes:
        rules.check(name, mode)
    for name, mode in changes:
        rules.set(name, mode)


async def _body(request: Request) -> bytes:
    """Return the body of a request. Raises SettingsError if it is too large."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST:
            raise SettingsError(f"the body has more than {_MOST} bytes; {_FORM}", "switch")
    return body


def _error(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)
