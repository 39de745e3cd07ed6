"""Pass a request through to the engine, and its response back, as they come; or fetch a response for the proxy."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from resift.rerank.proxy.http.engine import Engine, head_for
from resift.rerank.proxy.http.engine_connection import EngineConnection
from resift.rerank.proxy.http.exchange import Exchange
from resift.rerank.proxy.http.messages import RequestHead, ResponseHead

_LOG = logging.getLogger("resift.proxy")
_REPEATABLE = 1 << 20  # bytes of a body that are kept until the response begins
_SAFE = (b"GET", b"HEAD", b"OPTIONS")
_READS = (b"_search", b"_msearch", b"_count", b"_mget", b"_field_caps", b"_validate", b"_explain")
MOST_RESPONSE = 64 << 20
"""Bytes of a response that the proxy reads, at most."""

UNREACHABLE = "no node of the engine can be reached by the proxy"
BROKEN = "the engine closed the connection before its response was complete"


class Relay:
    """Passes one request through; it is the receiver of its body and the taker of its response."""

    def __init__(self, exchange: Exchange, engine: Engine, more: list[tuple[bytes, bytes]] | None = None) -> None:
        """Begin; `more` are headers of the proxy for the response."""
        self.exchange, self.engine, self.more = exchange, engine, more or []
        self._connection: EngineConnection | None = None
        self._sent: list[bytes] = []  # of the body, framed, as long as it could be sent again
        self._size = 0
        self._repeats = 0
        self._complete = self._gone = False
        self._connecting: asyncio.Task[None] | None = None

    def start(self) -> Relay:
        """Send the request to the engine as soon as its body begins; returns itself, the receiver of the body."""
        if self.exchange.head.has_body:
            self._use(self.engine.take())
        return self

    def body(self, data: bytes) -> None:
        """Pass a part of the body on."""
        framed = b"%x\r\n%b\r\n" % (len(data), data) if self.exchange.head.chunked else data
        self._size += len(framed)
        if self._connection is None or self._size <= _REPEATABLE:
            self._sent.append(framed)
        else:
            self._sent = []
        if self._connection is not None:
            self._connection.write(framed)
        elif self._size > _REPEATABLE:
            self.exchange.connection.hold()

    def complete(self) -> None:
        """Pass the end of the body on."""
        self._complete = True
        end = b"0\r\n\r\n" if self.exchange.head.chunked else b""
        if self._connection is not None:
            self._connection.write(end, complete=True)
        if end and (self._connection is None or self._size <= _REPEATABLE):
            self._sent.append(end)
        if self._connection is None and self._connecting is None and not self._gone:
            self._use(self.engine.take())

    def lost(self) -> None:
        """Cut the connection to the engine, which then cancels the request."""
        self._gone = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.abort()

    def wait(self) -> None:
        """Read no more of the response: the caller reads too slowly."""
        if self._connection is not None:
            self._connection.hold()

    def go_on(self) -> None:
        """Read more of the response."""
        if self._connection is not None:
            self._connection.release()

    def hold_request(self) -> None:
        """Read no more of the request: the engine reads too slowly."""
        self.exchange.connection.hold()

    def release_request(self) -> None:
        """Read more of the request."""
        self.exchange.connection.release()

    def _use(self, connection: EngineConnection | None) -> None:
        """Send what is there of the request through `connection`; without one, open one first."""
        if connection is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
            return
        self._connection = connection
        self.exchange.connection.release()
        head = self.exchange.head
        data = head_for(connection, head) + b"".join(self._sent)
        connection.send(self, data, head.method == b"HEAD", self._complete)

    async def _connect(self) -> None:
        try:
            connection = await self.engine.connect()
        except OSError:
            self._fail(502, "connect_exception", UNREACHABLE)
            return
        except Exception:
            _LOG.exception("a connection to the engine failed")
            self._fail(500, "proxy_exception", "the proxy failed; its log has the reason")
            return
        finally:
            self._connecting = None
        if self._gone:
            connection.abort()
            return
        self._use(connection)

    def started(self, head: ResponseHead, sized: bool) -> None:
        """Pass the head of the response on."""
        self._sent = []
        self.exchange.start(head, self.more, sized)

    def data(self, data: bytes) -> None:
        """Pass a part of the response on."""
        self.exchange.write(data)

    def finished(self) -> None:
        """End the response."""
        self._connection = None
        self.exchange.end()

    def failed(self, unanswered: bool) -> None:
        """Send the request again if the node had closed an idle connection, or there are others; else report it."""
        used, self._connection = self._connection, None
        if unanswered and used is not None and self._may_repeat(used):
            self._repeats += 1
            self._use(None)
        else:
            self._fail(502, "proxy_exception", BROKEN)

    def _may_repeat(self, broken: EngineConnection) -> bool:
        if self._size > _REPEATABLE or self._gone or not may_repeat(self.exchange.head):
            return False
        return worth_repeating(self.engine, broken, self._repeats)

    def _fail(self, status: int, kind: str, reason: str) -> None:
        if not self._gone:
            self.exchange.refuse(status, kind, reason)


def worth_repeating(engine: Engine, broken: EngineConnection, repeats: int) -> bool:
    """Return whether another connection may succeed: `broken` was an idle one, or there are other nodes."""
    return repeats < len(engine.nodes) and (broken.used or len(engine.nodes) > 1)


def may_repeat(head: RequestHead) -> bool:
    """Return whether a request only reads, so that it may be sent twice."""
    if head.method in _SAFE:
        return True
    parts = head.path.strip(b"/").split(b"/")
    of_an_index = len(parts) == 2 and not parts[0].startswith(b"_")  # not a document with such an id
    return head.method == b"POST" and parts[-1] in _READS and (len(parts) == 1 or of_an_index)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole response of the engine."""

    head: ResponseHead
    body: bytes


class EngineFailureError(Exception):
    """The engine gave no whole response."""


class TooLargeError(Exception):
    """The response is larger than the proxy takes."""


class _Fetch:
    """Takes a whole response, of at most `most` bytes."""

    def __init__(self, most: int) -> None:
        self._room = most
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.head = ResponseHead(0)
        self.parts: list[bytes] = []
        self.unanswered = False

    def started(self, head: ResponseHead, sized: bool) -> None:
        self.head = head

    def data(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room >= 0:
            self.parts.append(data)
        elif not self.done.done():
            self.done.set_exception(TooLargeError("its response is too large"))

    def finished(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def failed(self, unanswered: bool) -> None:
        self.unanswered = unanswered
        if not self.done.done():
            self.done.set_exception(EngineFailureError(BROKEN))

    def hold_request(self) -> None:
        """Nothing more is to be sent."""

    def release_request(self) -> None:
        """Nothing more is to be sent."""


async def fetch(
    engine: Engine, head: RequestHead, body: bytes, own: bool = False, most: int = MOST_RESPONSE
) -> Fetched:
    """Send a request with a whole `body`, and return the whole response.

    `own`: the body is the proxy's, so that its length is another one than the caller's. A cancelled call cuts the
    connection, so that the engine cancels the request. Raises EngineFailureError if no node responds, and TooLargeError
    if the response has more than `most` bytes.
    """
    connection = engine.take()
    repeats = 0
    while True:
        try:
            connection = connection or await engine.connect()
        except OSError:
            raise EngineFailureError(UNREACHABLE) from None
        taker, broken = _Fetch(most), connection
        length = len(body) if own or head.chunked else None
        connection.send(taker, head_for(connection, head, length) + body, head.method == b"HEAD", complete=True)
        try:
            await taker.done
            return Fetched(taker.head, b"".join(taker.parts))
        except EngineFailureError:
            if not (taker.unanswered and may_repeat(head) and worth_repeating(engine, broken, repeats)):
                raise
            connection, repeats = None, repeats + 1
        finally:
            if connection is not None and connection.taker is taker:
                connection.abort()
