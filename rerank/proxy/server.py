"""Run the proxy: listen, load the model, serve until a signal, answer what is under way, and end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from resift.rerank.experiments.log_writer import SearchLog
from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.proxy.admin import make_admin
from resift.rerank.proxy.app import Proxy
from resift.rerank.proxy.breaker import Breaker
from resift.rerank.proxy.fields import FieldChooser
from resift.rerank.proxy.http.caller import CallerConnection
from resift.rerank.proxy.http.connections import Connections
from resift.rerank.proxy.http.engine import Engine
from resift.rerank.proxy.listening import listen, step_aside
from resift.rerank.proxy.metrics import ProxyMetrics
from resift.rerank.proxy.nodes import read_nodes
from resift.rerank.proxy.pages import Pages
from resift.rerank.proxy.recorder import Recorder
from resift.rerank.proxy.rules import Rules, named_fields
from resift.rerank.proxy.scoring import WindowScorer
from resift.rerank.proxy.searching import Searches
from resift.rerank.proxy.settings import ProxySettings
from resift.rerank.proxy.switching import Switching
from resift.rerank.scorers.load import read_facts
from resift.rerank.scorers.registry import NO_MODEL
from resift.rerank.scorers.server_address import is_address
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.batching.batcher import Batcher
from resift.rerank.service.loaded_models import LoadedModels
from resift.rerank.service.metrics import Metrics
from resift.rerank.service.model_specs import ModelSpec
from resift.rerank.service.reranking import RerankService
from resift.rerank.service.score_cache import ScoreCache
from resift.rerank.service.settings import ServeSettings
from resift.rerank.service.tls import server_context
from resift.rerank.settings import RerankSettings
from resift.retrieval.engine.settings import ConnectionSettings, EngineSettings
from resift.retrieval.errors import ModelError, SettingsError

_LOG = logging.getLogger("resift.proxy")
_AGAIN = 2.0  # seconds until the server of a model that did not answer is asked again
_HANDSHAKES = 0.5  # seconds in which connections that were begun with this proxy arrive
_KINDLY = 3.0  # seconds after a signal to stop in which open connections may send one more request


@dataclass(frozen=True, slots=True)
class ProxyPlan:
    """All that a proxy is made of.

    `to`: the engine's address. `names`: the indices that are reranked. `reread`: reads the definitions again.
    """

    to: str
    names: tuple[str, ...]
    proxy: ProxySettings
    serve: ServeSettings = field(default_factory=ServeSettings)
    scorer: ScorerSettings = field(default_factory=ScorerSettings)
    rerank: RerankSettings = field(default_factory=RerankSettings)
    connection: ConnectionSettings = field(default_factory=ConnectionSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    definitions: IndexDefinitions = field(default_factory=IndexDefinitions)
    reread: Callable[[], IndexDefinitions] | None = None


class _Admin(uvicorn.Server):
    """Uvicorn's server; the signals are the proxy's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:  # noqa: ANN401 - as in uvicorn
        """Leave the signals alone."""
        yield


class ProxyServer:
    """A proxy with its model, its connections and its switch."""

    def __init__(self, plan: ProxyPlan) -> None:
        """Build the parts; nothing is loaded, and nothing listens yet. Raises SettingsError and ModelError."""
        self.plan, settings = plan, plan.proxy
        if plan.scorer.model == NO_MODEL:
            raise SettingsError("a proxy needs a model; name one, or leave it out for the default", "model")
        self.engine = Engine(read_nodes(plan.to, plan.connection))
        self.remote = is_address(plan.scorer.model)
        # a misspelt name is reported now; a server may still be starting
        languages = () if self.remote else read_facts(plan.scorer.model, plan.scorer).languages
        self.rules = Rules(plan.names, plan.definitions, plan.rerank, named_fields(plan.engine), settings.shadow)
        self.model_metrics = Metrics()
        cache = ScoreCache(plan.serve.score_cache_mb << 20)
        self.batcher = Batcher(settings.search_deadline_ms / 1000, cache, self.model_metrics)
        spec = ModelSpec(plan.scorer.model, plan.scorer, plan.rerank.unbounded())
        self.models = LoadedModels({spec.name: spec}, self.batcher, 1 << 40)
        self.service = RerankService(self.models, self.batcher)
        self.model_metrics.watch(self.service)
        self.scorer = WindowScorer(self.service, Breaker(settings.breaker_failures, settings.breaker_seconds))
        self.pages = Pages(settings.remembered_rankings, settings.remembered_seconds)
        searches = Searches(
            self.engine,
            self.rules,
            self.scorer,
            self.pages,
            FieldChooser(self.engine, languages, plan.engine),
            make_breaker=lambda: Breaker(settings.breaker_failures, settings.breaker_seconds),
            interleave=settings.interleave,
            opt_in=settings.opt_in,
        )
        self.log = SearchLog(settings.search_log) if settings.search_log else None
        self.switching = Switching(self.rules, searches.fields, self.log is not None, plan.reread)
        self.metrics = ProxyMetrics()
        recorder = Recorder(self.metrics, self.log, settings.log_texts, settings.interleave)
        self.proxy = Proxy(searches, recorder, settings.search_deadline_ms / 1000, settings.max_searches)
        self.connections = Connections(self.proxy.accept)
        self.metrics.watch(self._gauges)
        self.tls = server_context(plan.serve)
        self.stopping = asyncio.Event()
        self.failure: BaseException | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def _open_windows(self) -> int:
        """Return for how many rules the engine is too slow for searches of a window."""
        return sum(one.state != "closed" for one in self.proxy.searches.windows.values())

    def _gauges(self) -> dict[str, float]:
        breaker = {"closed": 0.0, "half-open": 1.0, "open": 2.0}[self.scorer.breaker.state]
        log = self.log
        return {
            "breaker": breaker,
            "slow_indices": self._open_windows(),
            "connections": len(self.connections.open),
            "searches_being_reranked": self.proxy.active,
            "searches_in_shadow": self.proxy.in_shadow,
            "remembered_rankings": len(self.pages),
            "log_dropped": 0 if log is None else log.dropped + log.lost,
        }

    def state(self) -> dict[str, Any]:
        """Return what /ready shows."""
        return {
            "ready": self.scorer.ready and not self.stopping.is_set(),
            "model": self.plan.scorer.model,
            "breaker": self.scorer.breaker.state,
            "nodes": [node.address.authority.decode() for node in self.engine.nodes],
            **self.rules.describe(),
        }

    async def run(self) -> None:
        """Serve until a signal. Raises SettingsError if an address cannot be used, and ModelError of the model."""
        settings, loop = self.plan.proxy, asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(listen(settings.listen, "listen", settings.share_port))
            admin = None if settings.admin == "none" else stack.enter_context(listen(settings.admin, "admin", False))
            server = await loop.create_server(
                lambda: CallerConnection(self.connections), sock=listener, ssl=self.tls, backlog=1024
            )
            self._watch_signals(loop)
            self._start(self._load())
            self._start(self._look_for_the_engine())
            self._start(self._sweep())
            if admin is not None:
                self._start(self._serve_admin(admin))
            host, port = listener.getsockname()[:2]
            facts = {"listens": f"{'https' if self.tls else 'http'}://{host}:{port}", "engine": self.plan.to}
            _LOG.info("started", extra={"facts": facts | {"admin": settings.admin}})
            self.switching.notes()
            await self.stopping.wait()
            await self._stop(server, listener)
        if self.failure is not None:
            raise self.failure

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self) -> None:
        """Load the model; searches pass through until then. Without it the proxy ends; a server is asked again."""
        while True:
            try:
                self.models.release(await self.models.acquire(self.models.default))
                break
            except Exception as error:
                if not (self.remote and isinstance(error, ModelError)):
                    self.failure = error
                    self.stopping.set()
                    return
                self.scorer.missing = "the model's server is not ready"
                _LOG.error(self.scorer.missing, extra={"facts": {"error": str(error)}})
            await asyncio.sleep(_AGAIN)
        self.scorer.ready = True
        _LOG.info("ready", extra={"facts": {"model": self.models.default, "indices": self.rules.describe()["indices"]}})

    async def _look_for_the_engine(self) -> None:
        """Warn if no node can be reached."""
        try:
            (await self.engine.connect()).abort()
        except OSError as error:
            facts = {"engine": self.plan.to, "error": str(error)}
            _LOG.warning("no node of the engine can be reached", extra={"facts": facts})

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            try:
                self.connections.sweep(loop.time())
            except Exception:
                _LOG.exception("idle connections were not looked for")

    async def _serve_admin(self, listener: socket.socket) -> None:
        app = make_admin(
            self.rules,
            self.state,
            lambda: self.metrics.text() + self.model_metrics.text(),
            self.switching.switched,
        )
        config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False)
        try:
            await _Admin(config).serve(sockets=[listener])
        except Exception:
            _LOG.exception("the address for administration is closed")

    def _watch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        """SIGTERM and SIGINT stop; SIGUSR1 switches everything off, SIGUSR2 undoes that; SIGHUP reads files again."""
        for name in ("SIGTERM", "SIGINT"):
            loop.add_signal_handler(getattr(signal, name), self.stopping.set)
        switches: dict[str, Callable[[], None]] = {
            "SIGUSR1": lambda: self.switching.everything("off"),
            "SIGUSR2": lambda: self.switching.everything(None),
            "SIGHUP": self.switching.reread,
        }
        for name, handler in switches.items():
            if hasattr(signal, name):
                loop.add_signal_handler(getattr(signal, name), handler)

    async def _take(self, accepted: socket.socket) -> None:
        """Serve a connection that was accepted elsewhere."""
        with contextlib.suppress(OSError):
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(lambda: CallerConnection(self.connections), accepted, ssl=self.tls)

    async def _stop(self, server: asyncio.Server, listener: socket.socket) -> None:
        """Take no more connections, answer what is under way, and close."""
        _LOG.info("stopping")
        loop = asyncio.get_running_loop()
        end = loop.time() + self.plan.proxy.stop_seconds
        self.connections.closing = True  # responses close their connections from now on
        kindly = min(end, loop.time() + _KINDLY)
        if self.plan.proxy.share_port:  # new connections go to the proxy that replaces this one
            for accepted in step_aside(listener):
                self._start(self._take(accepted))
            await asyncio.sleep(_HANDSHAKES)
        server.close()
        while self.connections.open and loop.time() < kindly:
            await asyncio.sleep(0.05)
        self.connections.close_idle()
        while self.connections.busy and loop.time() < end:
            await asyncio.sleep(0.05)
        await self.proxy.finish(max(0.0, end - loop.time()))
        for connection in list(self.connections.open):
            connection.abort()
        self.engine.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.models.close)
        if self.log is not None:
            self.log.close()
        _LOG.info("stopped")


def run_proxy(plan: ProxyPlan) -> None:
    """Run a proxy until SIGTERM or SIGINT. Raises SettingsError if a setting cannot be used, and ModelError."""

    async def main() -> None:
        await ProxyServer(plan).run()

    try:
        import uvloop
    except ModuleNotFoundError:  # not on Windows
        asyncio.run(main())
    else:
        uvloop.run(main())
