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
_READS = (b"_search", b"_msearch", b"_count", b"template", b"_mget", b"_field_caps", b"_validate", b"_explain")
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
        """Send the request again if the node had closed an idle connection, else report the failure."""
        used, self._connection = self._connection, None
        if unanswered and used is not None and used.used and self._may_repeat():
            self._use(None)
        else:
            self._fail(502, "proxy_exception", BROKEN)

    def _may_repeat(self) -> bool:
        return self._size <= _REPEATABLE and not self._gone and may_repeat(self.exchange.head)

    def _fail(self, status: int, kind: str, reason: str) -> None:
        if not self._gone:
            self.exchange.refuse(status, kind, reason)


def may_repeat(head: RequestHead) -> bool:
    """Return whether a request only reads, so that it may be sent twice."""
    return head.method in _SAFE or (head.method == b"POST" and head.path.rpartition(b"/")[2] in _READS)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole response of the engine."""

    head: ResponseHead
    body: bytes


class EngineFailureError(Exception):
    """The engine gave no whole response."""


class _Fetch:
    """Takes a whole response."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.head = ResponseHead(0)
        self.parts: list[bytes] = []
        self.unanswered = False

    def started(self, head: ResponseHead, sized: bool) -> None:
        self.head = head

    def data(self, data: bytes) -> None:
        self.parts.append(data)

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


async def fetch(engine: Engine, head: RequestHead, body: bytes, own: bool = False) -> Fetched:
    """Send a request with a whole `body`, and return the whole response.

    `own`: the body is the proxy's, so that its length is another one than the caller's. A cancelled call cuts the
    connection, so that the engine cancels the request. Raises EngineFailureError if no node responds.
    """
    connection = engine.take()
    while True:
        try:
            connection = connection or await engine.connect()
        except OSError:
            raise EngineFailureError(UNREACHABLE) from None
        taker, again = _Fetch(), connection.used
        length = len(body) if own or head.chunked else None
        connection.send(taker, head_for(connection, head, length) + body, head.method == b"HEAD", complete=True)
        try:
            await taker.done
            return Fetched(taker.head, b"".join(taker.parts))
        except EngineFailureError:
            if not (again and taker.unanswered and may_repeat(head)):
                raise
            connection = None
        finally:
            if connection is not None and connection.taker is taker:
                connection.abort()
