"""Run the HTTP layer of the proxy before fake nodes, all in one loop in a thread; each request passes through."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import uvloop

from resift.rerank.proxy.http.address import NodeAddress
from resift.rerank.proxy.http.caller import CallerConnection
from resift.rerank.proxy.http.connections import Accept, Connections
from resift.rerank.proxy.http.engine import Engine
from resift.rerank.proxy.http.relay import Relay
from tests.rerank.proxy.fake_engine import FakeNode, Script
from tests.rerank.service.raw_http import Line

WAIT = 30.0
"""Seconds until what must happen counts as not happening, on a machine that is busy with other tests."""

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


@dataclass
class Passing:
    """The running proxy: `url` is where it answers."""

    loop: asyncio.AbstractEventLoop
    engine: Engine
    connections: Connections
    nodes: list[FakeNode]
    url: str = ""

    @property
    def node(self) -> FakeNode:
        """The first node."""
        return self.nodes[0]

    def line(self) -> Line:
        """Return a connection of a caller."""
        return Line(self.url)

    def ask(self, data: bytes) -> bytes:
        """Return all bytes that come back for `data` until the proxy ends the connection, which it is asked to."""
        with self.line() as line:
            line.send(data)
            return line.rest()

    def run(self, work: Awaitable[Any]) -> Any:
        """Run something in the loop of the proxy."""

        async def whole() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(whole(), self.loop).result(WAIT)

    def until(self, done: Callable[[], object]) -> None:
        """Wait until `done` is true."""
        ends = time.monotonic() + WAIT
        while not done():
            assert time.monotonic() < ends, "it did not happen"
            time.sleep(0.005)


@contextlib.contextmanager
def passing(
    *scripts: Script,
    loop: str = "asyncio",
    tls: ssl.SSLContext | None = None,
    accept: Callable[[Engine], Accept] | None = None,
    addresses: Callable[[list[FakeNode]], list[NodeAddress]] | None = None,
    **settings: Any,
) -> Iterator[Passing]:
    """Yield a proxy before one node per script; `settings` are those of `Connections`."""
    made = LOOPS[loop]()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    nodes = [FakeNode(script) for script in scripts]
    found: list[NodeAddress] = []
    engine = Engine(found)
    handed = accept(engine) if accept else lambda exchange: Relay(exchange, engine).start()
    one = Passing(made, engine, Connections(handed, **settings), nodes)
    try:
        one.run(_start(one, tls, addresses))
        yield one
    finally:
        one.run(_stop(one))
        made.call_soon_threadsafe(made.stop)
        thread.join()
        made.close()


async def _start(
    one: Passing, tls: ssl.SSLContext | None, addresses: Callable[[list[FakeNode]], list[NodeAddress]] | None
) -> None:
    for node in one.nodes:
        await node.start()
    found = addresses(one.nodes) if addresses else [NodeAddress("127.0.0.1", node.port) for node in one.nodes]
    one.engine.nodes.extend(Engine(found).nodes)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: CallerConnection(one.connections), "127.0.0.1", 0, ssl=tls, backlog=4096)
    host, port = server.sockets[0].getsockname()
    one.url = f"http://{host}:{port}"
    sweeper = loop.create_task(_sweep(one.connections))
    _RUNNING[id(one)] = (server, sweeper)


_RUNNING: dict[int, tuple[asyncio.Server, asyncio.Task[None]]] = {}


async def _sweep(connections: Connections) -> None:
    while True:
        await asyncio.sleep(0.05)
        connections.sweep(asyncio.get_running_loop().time())


async def _stop(one: Passing) -> None:
    server, sweeper = _RUNNING.pop(id(one))
    sweeper.cancel()
    server.close()
    for connection in list(one.connections.open):
        connection.abort()
    one.engine.close()
    for node in one.nodes:
        await node.stop()
    await asyncio.sleep(0.01)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
