"""Fake nodes of an engine: servers that read requests and answer the bytes that a test gives them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Script = Callable[["Visit"], Awaitable[None]]
"""What a node does with one connection."""

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class FakeNode:
    """A node; `requests` are those that it read, as bytes; `opened` and `ended` count its connections."""

    script: Script
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    opened: int = 0
    ended: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        """Listen, on the port of the last time if there was one."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self.tls, limit=1 << 20, backlog=4096
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut all connections, and take no more."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Cut the connections that are open."""
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.script(Visit(self, reader, writer))
        finally:
            self.ended += 1
            self._open.discard(writer)
            writer.close()


@dataclass
class Visit:
    """One connection to a fake node."""

    node: FakeNode
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        """Return the next request as it came. Raises IncompleteReadError at the end of the connection."""
        head = await self.head()
        body = await self._body(head.lower())
        self.node.requests.append(head + body)
        return head + body

    async def head(self) -> bytes:
        """Return the head of the next request."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def _body(self, head: bytes) -> bytes:
        if b"transfer-encoding: chunked" in head:
            parts: list[bytes] = []
            while not parts or not parts[-1].startswith(b"0\r\n"):
                size = await self.reader.readuntil(b"\r\n")
                parts.append(size + await self.reader.readexactly(int(size, 16) + 2))
            return b"".join(parts)
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        return await self.reader.readexactly(int(length or b"0"))

    async def send(self, data: bytes) -> None:
        """Send bytes, and wait until most of them are taken."""
        self.writer.write(data)
        await self.writer.drain()

    async def end(self) -> None:
        """Wait until the other side ends the connection."""
        while await self.reader.read(1 << 16):
            continue


def answering(*responses: bytes) -> Script:
    """Return a script that answers each request with the next of `responses`, and the last one from then on."""

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            place = min(len(visit.node.requests), len(responses)) - 1
            await visit.send(responses[place])
            if b"connection: close" in responses[place].lower() or b"\r\n\r\n" not in responses[place]:
                return

    return script


async def silent(visit: Visit) -> None:
    """Read requests, and never answer."""
    while True:
        await visit.request()


def response(body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a response with the length of its body."""
    lines = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
