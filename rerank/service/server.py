"""Run the service: listen, load the default model, serve until a signal, answer what was accepted, and end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import uvicorn

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.scorers.load import read_facts
from resift.rerank.scorers.registry import NO_MODEL
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.app import Service, make_app
from resift.rerank.service.batching.batcher import Batcher
from resift.rerank.service.front import Front
from resift.rerank.service.keys import VARIABLE, Keys
from resift.rerank.service.ladder import Ladder
from resift.rerank.service.loaded_models import LoadedModels
from resift.rerank.service.logs import NAME, end_log
from resift.rerank.service.metrics import Metrics
from resift.rerank.service.model_specs import ladder_names, model_specs
from resift.rerank.service.patient_protocol import patient_protocol
from resift.rerank.service.reranking import RerankService
from resift.rerank.service.score_cache import ScoreCache
from resift.rerank.service.settings import ServeSettings
from resift.rerank.service.tls import load_certificate, server_context
from resift.rerank.service.tracing import open_tracer
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError

_LOG = logging.getLogger(NAME)


@dataclass(slots=True)
class _Parts:
    """What a running service consists of."""

    settings: ServeSettings
    service: Service
    front: Front
    batcher: Batcher
    tls: ssl.SSLContext | None
    failure: BaseException | None = None
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)


def serve(
    serve_settings: ServeSettings,
    scorer: ScorerSettings,
    rerank: RerankSettings,
    definitions: IndexDefinitions | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP loads models, keys and certificates anew.

    `definitions` are those of the indices that a request may name. Raises SettingsError if a setting cannot be used or
    the address is taken, and ModelError if the default model cannot be found or loaded.
    """
    parts = _build(serve_settings, scorer, rerank)
    parts.service.reranking.definitions = definitions or IndexDefinitions()
    _allow_many_connections()
    with _listen(serve_settings) as listener:
        asyncio.run(_serve(parts, listener))
    if parts.failure is not None:
        raise parts.failure
    if not end_log():  # nobody reads it, and the end of the process would wait for that
        os._exit(0)


def _build(settings: ServeSettings, scorer: ScorerSettings, rerank: RerankSettings) -> _Parts:
    """Return the parts, with all settings checked and no model loaded yet. Raises SettingsError and ModelError."""
    keys = Keys(settings.keys_file)
    _check_exposure(settings, bool(keys))
    tls = server_context(settings)
    specs = model_specs(settings, scorer, rerank)
    for spec in specs.values():
        if "/" not in spec.scorer.model or spec.name == scorer.model:  # else it may have to be downloaded
            read_facts(spec.scorer.model, spec.scorer)  # a misspelt name is reported before anything listens
    metrics = Metrics()
    batcher = Batcher(settings.max_queue_seconds, ScoreCache(settings.score_cache_mb << 20), metrics)
    models = LoadedModels(specs, batcher, settings.model_memory_mb << 20, settings.deterministic)
    rungs = ladder_names(settings)
    if rungs:
        models.default = rungs[0]
    reranking = RerankService(
        models, batcher, Ladder(rungs) if rungs else None, settings.request_timeout_ms, settings.strict_models
    )
    metrics.watch(reranking)

    async def reload() -> dict[str, Any]:
        return await _reload(parts)

    service = Service(reranking, settings, keys, metrics, reload)
    parts = _Parts(settings, service, make_app(service), batcher, tls)
    parts.front.tracer = open_tracer(settings.opentelemetry)
    return parts


def _check_exposure(settings: ServeSettings, with_keys: bool) -> None:
    """Raise SettingsError if others can reach the service and no key is needed."""
    if _is_local(settings.host) or with_keys or settings.insecure or settings.tls_client_ca:
        return
    raise SettingsError(
        f"{settings.host} can be reached by others, and no key is needed; give `keys_file` or {VARIABLE}, or "
        "`insecure` if that is meant",
        "host",
    )


def _is_local(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _allow_many_connections() -> None:
    """Raise the limit of open files to what the system allows, so that idle connections do not shut others out."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(settings: ServeSettings) -> socket.socket:
    """Return the listening socket. Raises SettingsError if the address cannot be used."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        message = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror or error}"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(f"{message}; expected an address of this machine, such as 0.0.0.0", "host") from None
        raise SettingsError(f"{message}; choose another port, or stop what uses it", "port") from None
    return listener


class _Server(uvicorn.Server):
    """Uvicorn's server; our own handlers of signals replace its own, which would end the process with an error."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:  # noqa: ANN401 - as in uvicorn
        """Leave the signals to us."""
        yield


async def _serve(parts: _Parts, listener: socket.socket) -> None:
    settings = parts.settings
    config = uvicorn.Config(
        parts.front,
        http=patient_protocol(settings.receive_seconds),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
        ssl_context_factory=None if parts.tls is None else lambda *_: parts.tls,  # type: ignore[arg-type]
    )
    server = _Server(config)
    with _signals(parts, server):
        await _run(parts, server, listener)


async def _run(parts: _Parts, server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until a signal, and end; a second one ends at once."""
    url = _url(parts, listener)
    loading = asyncio.create_task(_load(parts, server, url))
    ladder = asyncio.create_task(parts.service.reranking.watch_ladder())
    await server.serve(sockets=[listener])
    loading.cancel()
    ladder.cancel()
    await asyncio.gather(loading, ladder, return_exceptions=True)
    tally = parts.front.tally
    left = {"accepted": tally.accepted, "answered": tally.answered, "left": tally.left, "open": tally.open}
    if server.force_exit:  # whatever a model or another server still does
        _LOG.warning("stopped at once", extra={"facts": left})
        end_log()
        os._exit(1)
    ended = threading.Thread(target=parts.service.reranking.models.close, daemon=True)
    ended.start()
    await asyncio.to_thread(ended.join, parts.settings.drain_seconds)
    await asyncio.to_thread(parts.front.tracer.close)
    _LOG.info("stopped", extra={"facts": left})
    if ended.is_alive():  # a server behind a model does not answer, and the process would wait for it
        end_log()
        os._exit(0 if not tally.open else 1)


async def _load(parts: _Parts, server: uvicorn.Server, url: str) -> None:
    """Load the default model; without it the server stops."""
    models = parts.service.reranking.models
    try:
        for name in ladder_names(parts.settings) or [models.default]:  # loaded now, not when there is much to do
            if name != NO_MODEL:
                models.release(await models.acquire(name))
    except Exception as error:
        parts.failure, server.should_exit = error, True
        return
    parts.service.ready = True
    facts = {"url": url, "model": models.default, "docs": f"{url}/docs", "keys": len(parts.service.keys)}
    _LOG.info("ready", extra={"facts": facts})


@contextlib.contextmanager
def _signals(parts: _Parts, server: uvicorn.Server) -> Any:  # noqa: ANN401 - a context manager
    """Handle signals: the first SIGTERM or SIGINT drains, the second one ends at once, SIGHUP reloads."""
    loop = asyncio.get_running_loop()

    def stop(number: int, _: FrameType | None) -> None:
        if server.should_exit:
            server.force_exit = True
        parts.service.stopping = server.should_exit = True
        loop.call_soon_threadsafe(_LOG.info, "stopping")

    def reload(number: int, _: FrameType | None) -> None:
        loop.call_soon_threadsafe(_in_background, parts)

    handlers: dict[int, Callable[[int, FrameType | None], None]] = {signal.SIGTERM: stop, signal.SIGINT: stop}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = reload
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_background(parts: _Parts) -> None:
    """Reload, and keep the task until it is done."""

    async def work() -> None:
        with contextlib.suppress(Exception):  # it is logged and counted there
            await _reload(parts)

    if len(parts.tasks) >= 2:  # one runs, and the one that waits will find the same files
        return
    task = asyncio.get_running_loop().create_task(work())
    parts.tasks.add(task)
    task.add_done_callback(parts.tasks.discard)


async def _reload(parts: _Parts) -> dict[str, Any]:
    """Load keys, the certificate and the models anew; what cannot be loaded stays as it was. Raises its error."""
    service, settings = parts.service, parts.settings
    try:
        Keys(settings.keys_file)  # all are read before one of them is exchanged
        if parts.tls is not None:
            server_context(settings)
        names = await service.reranking.models.reload()
        service.keys.reload()
        if parts.tls is not None:
            load_certificate(parts.tls, settings)
    except Exception as error:
        service.metrics.reloads.labels("failed").inc()
        _LOG.error("reload failed", extra={"facts": {"error": str(error)}})
        raise
    service.metrics.reloads.labels("done").inc()
    facts = {"models": names, "keys": len(service.keys)}
    _LOG.info("reloaded", extra={"facts": facts})
    return facts


def _url(parts: _Parts, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'http' if parts.tls is None else 'https'}://{shown}:{port}"
