"""The second process: send the requests of a plan over HTTP/1.1, and print one JSON object per line.

``python -m scripts.bench_serve.sender`` reads a `Plan` from standard input. It uses the standard library alone, as it
shares the cores with the service that it measures.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import resource
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

PATIENCE = 180.0
"""Seconds after which a request counts as not answered."""

QUERY = b'{"query": "'
"""The beginning of every body; `Plan.unique` puts the number of the request after it."""

PROBED = 120.0
"""Seconds that the probes after the load may take."""

PAUSE = 0.02  # seconds before a connection of a closed loop sends again after a refusal
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent to `url` + `path`.

    `bodies`: a file with one JSON body per line, sent in turn, from the first one again after the last.
    `concurrency`: how many connections send, each its next request as soon as the former one is answered.
    `requests`, `seconds`: how many requests are sent, and for how long; at least one of them is given.
    `rate`: requests per second that are sent whether or not former ones are answered; `even`: in equal intervals,
    instead of those of a Poisson process. `probe_below`: after such a load, send one request after another until one is
    answered with 200 within so many seconds; no probes if 0.
    `unique`: put the number of the request before its query, so that no two requests are equal.
    `report_every`: print how many requests are answered after each so many; never if 0.
    """

    url: str
    path: str
    bodies: str
    concurrency: int = 1
    requests: int | None = None
    seconds: float | None = None
    rate: float = 0.0
    even: bool = False
    probe_below: float = 0.0
    unique: bool = False
    report_every: int = 0


class Reply(NamedTuple):
    """What became known of one request.

    `probe`: whether it was sent after the load. `sent`: seconds since the load began, or since it ended for a probe;
    with a rate, the time at which it should have been sent. `seconds`: until it was answered. `status`: 0 without an
    answer, and `why` says then why. `found`: results in the answer. `retry_after`: whether the answer has this header.
    """

    probe: bool
    sent: float
    seconds: float
    status: int
    found: int
    retry_after: bool
    why: str


class Answer(NamedTuple):
    """An answer as it was read: `status` 0 if there is none, and `why` says then why."""

    status: int
    content: bytes = b""
    retry_after: bool = False
    why: str = ""


@dataclass(slots=True)
class Connections:
    """The open connections to one server, used again where the server keeps them open."""

    host: str
    port: int
    path: str
    _idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=deque)

    async def ask(self, body: bytes) -> Answer:
        """Send one request and return its answer."""
        try:
            reader, writer = self._kept() or await asyncio.open_connection(self.host, self.port)
        except OSError:
            return Answer(0, why=REFUSED)
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            writer.write(head.encode() + body)
            await writer.drain()
            answer, keep = await asyncio.wait_for(_read(reader), PATIENCE)
        except (OSError, EOFError, ValueError) as error:  # TimeoutError is an OSError
            writer.close()
            return Answer(0, why="unanswered" if isinstance(error, TimeoutError) else "broken")
        if keep:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return answer

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return None


async def _read(reader: asyncio.StreamReader) -> tuple[Answer, bool]:
    """Return an answer, and whether the connection stays open. Raises OSError, EOFError and ValueError."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    headers = dict(line.split(b":", 1) for line in lines if b":" in line)
    if b"chunked" in headers.get(b"transfer-encoding", b""):
        parts = []
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readuntil(b"\r\n")
        content = b"".join(parts)
    else:
        content = await reader.readexactly(int(headers[b"content-length"]) if b"content-length" in headers else 0)
    keep = b"close" not in headers.get(b"connection", b"")
    return Answer(int(first.split()[1]), content, b"retry-after" in headers), keep


class Sender:
    """Sends the requests of one plan; `replies` has what became known of each, in the order of the answers."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.replies: list[Reply] = []
        self.late = 0.0  # seconds: the longest time by which a request of a rate was sent too late
        address = urlsplit(plan.url)
        self._connections = Connections(address.hostname or "127.0.0.1", address.port or 80, plan.path)
        self._bodies = self._numbered(Path(plan.bodies).read_bytes().splitlines())
        self._began = time.perf_counter()

    async def run(self) -> None:
        """Send everything, and wait for the answers."""
        self._began = time.perf_counter()
        if self.plan.rate:
            await self._send_at_rate()
        else:
            await asyncio.gather(*(self._send_in_turn() for _ in range(self.plan.concurrency)))

    def _numbered(self, bodies: list[bytes]) -> Iterator[bytes]:
        numbers = itertools.count() if self.plan.requests is None else range(self.plan.requests)
        for number in numbers:
            body = bodies[number % len(bodies)]
            yield QUERY + f"{number} ".encode() + body.removeprefix(QUERY) if self.plan.unique else body

    async def _send_in_turn(self) -> None:
        for body in self._bodies:
            sent = time.perf_counter()
            if self.plan.seconds is not None and sent - self._began >= self.plan.seconds:
                return
            reply = await self._exchange(body, sent, self._began)
            if reply.why == REFUSED:
                return
            if reply.status != 200:
                await asyncio.sleep(PAUSE)

    async def _send_at_rate(self) -> None:
        chosen, due, running = random.Random(1), 0.0, set()
        for body in self._bodies:
            due += 1 / self.plan.rate if self.plan.even else chosen.expovariate(self.plan.rate)
            if self.plan.seconds is not None and due >= self.plan.seconds:
                break
            await asyncio.sleep(max(0.0, self._began + due - time.perf_counter()))
            self.late = max(self.late, time.perf_counter() - self._began - due)
            running.add(asyncio.create_task(self._exchange(body, self._began + due, self._began)))
        if self.plan.probe_below:
            await self._probe(time.perf_counter())
        await asyncio.gather(*running)

    async def _probe(self, ended: float) -> None:
        for body in self._bodies:
            sent = time.perf_counter()
            reply = await self._exchange(body, sent, ended, probe=True)
            if sent - ended > PROBED or (reply.status == 200 and reply.seconds <= self.plan.probe_below):
                return
            await asyncio.sleep(PAUSE)

    async def _exchange(self, body: bytes, sent: float, origin: float, probe: bool = False) -> Reply:
        answer = await self._connections.ask(body)
        found = answer.content.count(b'"relevance_score"')
        seconds = time.perf_counter() - sent
        reply = Reply(probe, sent - origin, seconds, answer.status, found, answer.retry_after, answer.why)
        self.replies.append(reply)
        if self.plan.report_every and len(self.replies) % self.plan.report_every == 0:
            print(json.dumps({"answered": len(self.replies)}), flush=True)
        return reply


def main() -> None:
    """Run the plan on standard input; the last line has the replies and how much of a core this process used."""
    sender = Sender(Plan(**json.loads(sys.stdin.readline())))
    started, cpu = time.perf_counter(), sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    asyncio.run(sender.run())
    wall = time.perf_counter() - started
    used = (sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - cpu) / wall
    print(json.dumps({"replies": sender.replies, "cpu": used, "late": sender.late}), flush=True)


if __name__ == "__main__":
    main()
