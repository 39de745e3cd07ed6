"""Send requests at a constant rate over some connections, in a process of its own, and return what came back."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from subprocess import PIPE, Popen
from typing import Any
from urllib.parse import urlsplit

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: `bodies` in turn to `path` at `urls` in turn, `rate` a second in all, for `seconds`.

    Each of `connections` sends one request at a time; one that is not answered when the next is due sends that late.
    """

    urls: Sequence[str]
    path: str
    bodies: Sequence[str]
    seconds: float
    rate: float
    connections: int = 50


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `at`: seconds since the begin. `seconds`: how long it took. `status`: 0 if there was no answer.

    `label`: the header X-Resift. `hits`: how many hits it has, -1 if that could not be read.
    """

    at: float
    seconds: float
    status: int
    label: str = ""
    hits: int = -1


class Sender:
    """Sends a load from another process."""

    def __init__(self, load: Load) -> None:
        """Start the process; it begins at once."""
        self._process = Popen([sys.executable, "-m", __name__], stdin=PIPE, stdout=PIPE, text=True)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(load)) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout is not None
        self._process.stdout.readline()  # the first request is sent now
        self.started = time.monotonic()

    def replies(self) -> list[Reply]:
        """Wait for the end, and return the answers in the order of their requests."""
        output, _ = self._process.communicate()
        return sorted((Reply(**values) for values in json.loads(output)), key=lambda reply: reply.at)


def send(load: Load) -> list[Reply]:
    """Send a load, and return the answers."""
    return Sender(load).replies()


class _Connection:
    """One connection, opened again when it is lost."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, head: bytes, body: bytes) -> tuple[int, str, bytes]:
        """Return the status, the header X-Resift and the body. Raises OSError and EOFError."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        try:
            writer.write(head + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
            content = await self._body(reader, headers)
        except BaseException:
            self.close()
            raise
        if headers.get(b"connection", b"").lower() == b"close":
            self.close()
        return int(lines[0].split(b" ")[1]), headers.get(b"x-resift", b"").decode("latin-1"), content

    async def _body(self, reader: asyncio.StreamReader, headers: dict[bytes, bytes]) -> bytes:
        if b"content-length" in headers:
            return await reader.readexactly(int(headers[b"content-length"]))
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _run(load: Load) -> list[Reply]:
    started, replies = time.perf_counter(), list[Reply]()
    every = load.connections / load.rate
    print("begun", flush=True)

    async def one(number: int) -> None:
        connection = _Connection(load.urls[number % len(load.urls)])
        method = b"POST" if load.bodies else b"GET"
        due, turn = number * every / load.connections, number
        while due < load.seconds:
            await asyncio.sleep(max(0.0, started + due - time.perf_counter()))
            body = load.bodies[turn % len(load.bodies)].encode() if load.bodies else b""
            head = b"%b %b HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            sent = time.perf_counter()
            try:
                async with asyncio.timeout(_PATIENCE):
                    status, label, content = await connection.ask(head % (method, load.path.encode(), len(body)), body)
                reply = Reply(sent - started, time.perf_counter() - sent, status, label, _hits(content))
            except (OSError, EOFError, ValueError):
                reply = Reply(sent - started, time.perf_counter() - sent, 0)
                await asyncio.sleep(0.05)
            replies.append(reply)
            turn += load.connections
            due = max(due + every, time.perf_counter() - started)
        connection.close()

    await asyncio.gather(*(one(number) for number in range(load.connections)))
    return replies


def _hits(content: bytes) -> int:
    try:
        found: Any = json.loads(content)
        return len(found["hits"]["hits"])
    except (ValueError, KeyError, TypeError):
        return -1


if __name__ == "__main__":
    _given = json.loads(sys.stdin.readline())
    print(json.dumps([asdict(reply) for reply in asyncio.run(_run(Load(**_given)))]))
