"""The service as an ASGI application: its routes, what each of them does, and how a call becomes a reply."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, Router

from resift.rerank.service.body import Intake
from resift.rerank.service.call import RerankCall, ScoreCall, Treatment
from resift.rerank.service.deadline import with_deadline
from resift.rerank.service.defined import longest_text, read_defined
from resift.rerank.service.dialects.forms import ReplyFacts
from resift.rerank.service.dialects.registry import DIALECTS, Dialect, choose_dialect
from resift.rerank.service.docs_page import docs_page
from resift.rerank.service.front import Front, RequestContext
from resift.rerank.service.information import information, model_list
from resift.rerank.service.keys import Keys
from resift.rerank.service.metrics import CONTENT_TYPE, Metrics
from resift.rerank.service.openapi import openapi
from resift.rerank.service.request_error import RequestError
from resift.rerank.service.reranking import Caller, RerankService
from resift.rerank.service.settings import ServeSettings
from resift.retrieval.errors import ResiftError

Reload = Callable[[], Awaitable[dict[str, Any]]]
"""Loads models, keys and certificates anew, and returns what was loaded."""


@dataclass(slots=True)
class Service:
    """What the routes share. `ready`: the default model is warm; `stopping`: the service was asked to stop."""

    reranking: RerankService
    settings: ServeSettings
    keys: Keys
    metrics: Metrics
    reload: Reload
    ready: bool = False
    stopping: bool = False
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        """Make the intake from the settings."""
        self.intake = Intake(self.settings.max_body_mb << 20, self.settings.receive_seconds)

    async def answer(self, request: Request) -> Response:
        """Answer a request of one of the dialects. Raises RequestError."""
        async with self.intake.reading(request.receive, request.headers) as body:
            dialect = choose_dialect(request.scope["path"], body)
            form, call = dialect.read(body)
            if isinstance(call, RerankCall):
                call = read_defined(call, self.reranking.definitions)
            del body  # members that are not known are not kept while the request waits
            return await self._reply(request, dialect, form, call)

    async def _reply(self, request: Request, dialect: Dialect, form: Any, call: RerankCall | ScoreCall) -> Response:  # noqa: ANN401 - the dialect's own
        """Answer a request that was read. Raises RequestError."""
        call = with_deadline(call, request.headers.get("x-deadline-ms"))
        context: RequestContext = request.scope["context"]
        self._check(call)
        caller = Caller(context.caller, lambda: _left(request), context.started)
        if isinstance(call, RerankCall):
            reply: Any = await self.reranking.call(call, caller)
        else:
            reply = await self.reranking.score(call, caller)
        treatment: Treatment = reply.treatment
        self._note(context, dialect.name, call, treatment)
        facts = ReplyFacts(context.request_id, int(time.time()), treatment)
        content = json.dumps(msgspec.to_builtins(dialect.write(form, reply, facts)), separators=(",", ":"))
        return Response(content, headers=_headers(treatment), media_type="application/json")

    async def information(self, name: str | None) -> dict[str, Any]:
        """Return what /info says of a model, which is loaded for that; None means the default. Raises RequestError."""
        models = self.reranking.models
        if name is not None and name not in models.specs:
            raise RequestError(404, "NotFound", f"no model has the name {name[:80]!r}; GET /v1/models lists them")
        if name is not None:
            try:
                models.release(await models.acquire(name))
            except ResiftError as error:
                message = "the model cannot be loaded; the log of the service has the reason"
                raise RequestError(503, "Backend", message) from error
        return information(self.reranking, self.settings, name or models.default)

    async def ready_page(self, _: Request) -> Response:
        """Answer whether requests are served now, 200 or 503."""
        state = "stopping" if self.stopping else "ready" if self.ready else "loading"
        content: dict[str, Any] = {"status": state, "models": [one.name for one in self.reranking.models.loaded]}
        moved = {one.name: one.lane.moved for one in self.reranking.models.loaded if one.lane.moved is not None}
        if moved:
            content["moved_to_cpu"] = moved
        return JSONResponse(content, 200 if state == "ready" else 503)

    async def reload_page(self, request: Request) -> Response:
        """Load models, keys and certificates anew; with keys, only for a caller named admin. Raises RequestError."""
        if self.keys and not request.scope["context"].caller.startswith("admin"):
            raise RequestError(403, "Unauthorized", "only a key whose name begins with admin may do this")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise RequestError(415, "Validation", "expected the header Content-Type: application/json")
        try:
            return JSONResponse(await self.reload())
        except Exception as error:
            message = "the reload failed, and what could not be loaded stays as it was; the log has the reason"
            raise RequestError(503, "Backend", message) from error

    def _check(self, call: RerankCall | ScoreCall) -> None:
        """Raise RequestError, status 413, if a request has too many documents or a text is too long."""
        count = len(call.documents) if isinstance(call, RerankCall) else len(call.pairs)
        if count > self.settings.max_documents:
            raise RequestError(
                413,
                "TooLarge",
                f"{count} documents are more than the maximum batch size of {self.settings.max_documents}; send fewer "
                "at once",
            )
        limit = self.settings.max_text_characters
        if isinstance(call, RerankCall):
            lengths = [len(call.query), *map(longest_text, call.documents)]
        else:
            lengths = [len(text) for pair in call.pairs for text in pair]
        longest = max(lengths, default=0)
        if longest > limit:
            raise RequestError(413, "TooLarge", f"a text has {longest} characters; the maximum is {limit}")

    def _note(self, context: RequestContext, dialect: str, call: RerankCall | ScoreCall, treatment: Treatment) -> None:
        """Count how a request was treated, and note it for the log: never its texts, unless queries are asked for."""
        self.metrics.treated(treatment)
        effort = treatment.effort
        context.facts |= {
            "dialect": dialect,
            "model": treatment.model,
            "documents": treatment.documents,
            "scored": treatment.scored,
            "tokens": effort.tokens,
            "cached": effort.cached,
            "queue_ms": round(1000 * effort.queued, 1),
            "scoring_ms": round(1000 * effort.scoring, 1),
        }
        if treatment.degraded:
            context.facts["degraded"] = treatment.degraded
        if self.settings.log_queries:
            context.facts["query"] = call.query if isinstance(call, RerankCall) else call.pairs[0][0]


def make_app(service: Service) -> Front:
    """Return the ASGI application of `service`."""
    document = openapi(bool(service.keys))
    page = docs_page(document)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def info(request: Request) -> Response:
        return JSONResponse(await service.information(request.query_params.get("model")))

    async def models(_: Request) -> Response:
        return JSONResponse(model_list(service.reranking))

    async def metrics(_: Request) -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    async def schema(_: Request) -> Response:
        return JSONResponse(document)

    async def docs(_: Request) -> Response:
        return HTMLResponse(page)

    routes = [
        *(Route(path, service.answer, methods=["POST"]) for path in DIALECTS),
        Route("/health", health),
        Route("/ping", health),
        Route("/ready", service.ready_page),
        Route("/info", info),
        Route("/v1/models", models),
        Route("/metrics", metrics),
        Route("/openapi.json", schema),
        Route("/docs", docs),
        Route("/", docs),
        Route("/admin/reload", service.reload_page, methods=["POST"]),
    ]
    router = Router(routes, redirect_slashes=False)
    names = frozenset(route.path for route in routes)
    return Front(router, names, service.keys, service.metrics, service.settings.max_requests)


async def _left(request: Request) -> None:
    """Return when the caller hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        await asyncio.sleep(0)


def _headers(treatment: Treatment) -> dict[str, str]:
    """Return the headers of a reply: times in milliseconds as TEI gives them, and how the request was treated."""
    effort = treatment.effort
    milliseconds = {
        "x-compute-time": effort.tokenizing + effort.scoring,
        "x-total-time": effort.total,
        "x-tokenization-time": effort.tokenizing,
        "x-queue-time": effort.queued,
        "x-inference-time": effort.scoring,
    }
    headers = {
        "x-compute-type": treatment.device,
        "x-compute-characters": str(effort.characters),
        "x-compute-tokens": str(effort.tokens),
        **{name: str(round(1000 * seconds)) for name, seconds in milliseconds.items()},
        "X-Resift-Model": treatment.model,
        "X-Resift-Scored": f"{treatment.scored}/{treatment.documents}",
    }
    if treatment.degraded is not None:
        headers["X-Resift-Degraded"] = treatment.degraded
    if treatment.truncated:
        headers["X-Resift-Truncated"] = str(treatment.truncated)
    return {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers.items()}
