"""The front of the service: who may pass, how many at once, request ids, a log line and a count for each request."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from resift.rerank.service.keys import Keys
from resift.rerank.service.logs import NAME
from resift.rerank.service.metrics import Metrics
from resift.rerank.service.request_error import RequestError, overloaded
from resift.rerank.service.tracing import NoTracer, Tracer

OPEN = ("/health", "/ready", "/ping")
"""Paths that need no key: what asks whether the service lives often has none."""

_LOG = logging.getLogger(NAME)
_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
_REASONS = {400: "invalid", 404: "not found", 405: "not found", 422: "invalid"}


@dataclass(slots=True)
class RequestContext:
    """One request as the front sees it: its id, the caller's name, when it came, and facts for its log line."""

    request_id: str
    caller: str
    started: float
    status: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """How many requests were accepted, and how many of these were answered or left by their callers."""

    accepted: int = 0
    answered: int = 0
    left: int = 0
    open: int = 0


class Front:
    """An ASGI application around another one; the endpoints find their `RequestContext` in the scope."""

    def __init__(self, app: ASGIApp, routes: frozenset[str], keys: Keys, metrics: Metrics, max_requests: int) -> None:
        """Let at most `max_requests` requests into `app` at once; `routes` are the paths that metrics name."""
        self.app, self.keys, self.metrics, self.max_requests, self.routes = app, keys, metrics, max_requests, routes
        self.tracer: Tracer = NoTracer()
        self.tally = Tally()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        context = scope["context"] = RequestContext(_request_id(headers), _address(scope), time.monotonic())
        self.tally.accepted += 1
        self.tally.open += 1
        self.metrics.receiving.inc()
        route = scope["path"] if scope["path"] in self.routes else "other"
        try:
            with self.tracer.request(scope["method"], route, headers, context.facts):
                try:
                    await self._answer(scope, receive, _Reply(send, context))
                finally:
                    context.facts |= {"status": context.status, "request_id": context.request_id}
        finally:
            self.tally.open -= 1
            self.metrics.receiving.dec()
            self._record(scope, context, route)

    async def _answer(self, scope: Scope, receive: Receive, send: _Reply) -> None:
        context: RequestContext = scope["context"]
        try:
            self._admit(scope, context)
            scope["app"] = self.app  # the router then raises its errors
            await self.app(scope, receive, send)
        except HTTPException as error:  # the router's
            await self._refuse(_of_router(error, scope), scope, receive, send)
        except RequestError as error:
            if error.status == 499:  # nobody is there to read an answer
                context.status = 499
                return
            await self._refuse(error, scope, receive, send)
        except Exception:
            _LOG.exception("request failed", extra={"facts": {"request_id": context.request_id, "path": scope["path"]}})
            defect = RequestError(500, "Backend", "a defect in resift; the log of the service has the details")
            await self._refuse(defect, scope, receive, send)

    def _admit(self, scope: Scope, context: RequestContext) -> None:
        """Let a request pass. Raises RequestError: 401 without one of the keys, 429 if too many are open."""
        if self.keys and scope["path"] not in OPEN:
            name = self.keys.name_of(Headers(scope=scope).get("authorization"))
            if name is None:
                raise RequestError(
                    401,
                    "Unauthorized",
                    'the key is missing or wrong; expected the header "Authorization: Bearer KEY"',
                    {"WWW-Authenticate": "Bearer", "Connection": "close"},
                )
            context.caller = name
        if self.tally.open > self.max_requests and scope["path"] not in OPEN:
            raise overloaded(f"{self.max_requests} requests are being answered; send it again later", 1)

    async def _refuse(self, error: RequestError, scope: Scope, receive: Receive, send: _Reply) -> None:
        context: RequestContext = scope["context"]
        context.facts["error"] = error.kind
        if send.started:
            return
        self.metrics.rejected.labels(_REASONS.get(error.status, error.kind.lower())).inc()
        response = JSONResponse(error.as_json(context.request_id, scope["path"]), error.status, dict(error.headers))
        await response(scope, receive, send)

    def _record(self, scope: Scope, context: RequestContext, route: str) -> None:
        """Count the request, and write its line of the log; probes are not logged."""
        seconds = time.monotonic() - context.started
        if context.status in (0, 499):  # broken off, by us or by the caller
            self.tally.left += 1
            self.metrics.given_up.inc()
        else:
            self.tally.answered += 1
        self.metrics.requests.labels(route, str(context.status)).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        if scope["path"] in OPEN or scope["path"] == "/metrics":
            return
        facts = {
            "request_id": context.request_id,
            "caller": context.caller,
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": context.status,
            "ms": round(1000 * seconds, 1),
            **context.facts,
        }
        _LOG.info("request", extra={"facts": facts})


class _Reply:
    """Sends a reply, with the request's id, and notes its status."""

    def __init__(self, send: Send, context: RequestContext) -> None:
        self.send, self.context, self.started = send, context, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.context.status = message["status"]
            MutableHeaders(scope=message)["X-Request-Id"] = self.context.request_id
        await self.send(message)


def _of_router(error: HTTPException, scope: Scope) -> RequestError:
    """Return an error of the router, a path or a method that is not there, as one of ours."""
    if error.status_code == 405:
        headers = dict(error.headers or {})
        return RequestError(405, "MethodNotAllowed", f"{scope['method'][:20]} is not allowed here", headers)
    return RequestError(404, "NotFound", f"there is no {scope['path'][:80]!r} here; GET /docs lists the paths")


def _request_id(headers: Mapping[str, str]) -> str:
    given = headers.get("x-request-id", "")
    return given if _ID.fullmatch(given) else secrets.token_hex(12)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "local"
