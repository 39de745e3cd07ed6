"""A connection from a caller: it hands its requests on one by one, and writes the responses in their order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import cast

from resift.rerank.proxy.http.connections import Connections
from resift.rerank.proxy.http.exchange import Exchange
from resift.rerank.proxy.http.messages import RequestHead, ResponseHead, error_body, response_bytes
from resift.rerank.proxy.http.request_reader import BadRequestError, RequestReader
from resift.rerank.proxy.http.sockets import keep_alive

_LOG = logging.getLogger("resift.proxy")
_BUFFERED = 256 << 10  # bytes written and not sent yet, above which the other side is told to wait
_HALF_OPEN = 1.0  # seconds for which a response is still awaited after the caller ended its side
_LINGER, _LINGER_IDLE = 30.0, 5.0  # seconds for which what comes is dropped, so that the caller reads the response


class CallerConnection(asyncio.Protocol):
    """One connection from a caller; requests that come before their turn wait."""

    def __init__(self, shared: Connections) -> None:
        """Belong to `shared`."""
        self.shared = shared
        self.exchanges: deque[Exchange] = deque()
        self._reader = RequestReader(self)
        self._transport: asyncio.Transport | None = None
        self._reading: Exchange | None = None
        self._refusal: tuple[int, str] | None = None  # of what came after the requests under way
        self._seen = self._head_began = self._drained = 0.0  # times: of the last byte, of the head, of progress
        self._unsent = 0  # bytes, when progress was last made
        self._lingers: float | None = None  # until when
        self._asked = self._full = self._held = self._closed = False

    @property
    def last(self) -> bool:
        """Whether the connection takes no further request."""
        return self.shared.closing

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        ended = self._refusal is not None or self._lingers is not None
        return not self.exchanges and (ended or not self._reader.in_request)

    @property
    def busy(self) -> bool:
        """Whether a request is under way, or a part of a response is not sent."""
        return not self.idle or (self._transport is not None and self._transport.get_write_buffer_size() > 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._transport.set_write_buffer_limits(_BUFFERED)
        self._seen = self._drained = asyncio.get_running_loop().time()
        if not self.shared.add(self):
            self.abort()
            return
        keep_alive(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Give up the requests under way."""
        self._closed = True
        self.shared.open.discard(self)
        self._give_up()

    def _give_up(self) -> None:
        waiting, self.exchanges = self.exchanges, deque()
        for exchange in waiting:
            if exchange.receiver is not None and not exchange.ended:
                exchange.receiver.lost()

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        self._seen = asyncio.get_running_loop().time()
        if self._refusal is not None or self._lingers is not None:
            return
        before = self._reader.in_head
        try:
            self._reader.feed(data)
        except BadRequestError as error:
            self._refuse(error.status, str(error))
        except Exception:
            _LOG.exception("a request failed")
            self._refuse(500, "the proxy failed; its log has the reason")
        if self._reader.in_head and not before:
            self._head_began = self._seen

    def eof_received(self) -> bool:
        """Keep the connection open for a moment if a response is due; the engine is then told that nobody waits."""
        if not self.exchanges or self._transport is None or self._transport.get_extra_info("ssl_object") is not None:
            self._give_up()
            return False
        asyncio.get_running_loop().call_later(_HALF_OPEN, self.abort)
        return True

    def begin(self, head: RequestHead) -> None:
        """Begin the exchange of a request, and hand it on if no other is before it."""
        self._reading = exchange = Exchange(head, self)
        self.exchanges.append(exchange)
        if len(self.exchanges) == 1 and not self._full:
            self._hand_on(exchange)
        self._read_or_not()

    def _hand_on(self, exchange: Exchange) -> None:
        head = exchange.head
        if head.asks_first and head.has_body and not head.old and not exchange.complete:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        exchange.receiver = self.shared.accept(exchange)
        early, exchange.early = exchange.early, []
        for data in early:
            exchange.receiver.body(data)
        if exchange.complete and not exchange.ended:
            exchange.receiver.complete()

    def body(self, data: bytes) -> None:
        """Take a part of the body of the request that is read."""
        exchange = self._reading
        if exchange is None or exchange.ended:
            return
        if exchange.receiver is None:
            exchange.early.append(data)
        else:
            exchange.receiver.body(data)

    def complete(self) -> None:
        """End the request that is read."""
        exchange, self._reading = self._reading, None
        if exchange is None:
            return
        exchange.complete = True
        if exchange.receiver is not None and not exchange.ended:
            exchange.receiver.complete()

    def answered(self, exchange: Exchange) -> None:
        """Go on with the next request after the response to `exchange`."""
        if self.exchanges and self.exchanges[0] is exchange:
            self.exchanges.popleft()
        loop = asyncio.get_running_loop()
        self._seen, self._asked = loop.time(), False
        if not exchange.head.keep_alive or not exchange.complete:
            if exchange.complete and self.idle:
                self.close()
            else:
                self._linger()
        elif self.exchanges:
            loop.call_soon(self._next)  # not at once: a caller may have sent thousands of requests in advance
        elif self._refusal is not None:
            self._write_refusal(*self._refusal)
        elif self.shared.closed:
            self.close()
        else:
            self._read_or_not()

    def _next(self) -> None:
        """Hand the next request on, as soon as the caller has taken most of what was written."""
        if self.exchanges and self.exchanges[0].receiver is None and not self._full and not self._closed:
            try:
                self._hand_on(self.exchanges[0])
            except Exception:
                _LOG.exception("a request failed")
                self.abort()
            self._read_or_not()

    def write(self, data: bytes) -> None:
        """Write bytes to the caller, if it is still there."""
        if self._transport is not None and not self._transport.is_closing() and self._lingers is None:
            self._transport.write(data)

    def hold(self) -> None:
        """Read nothing more from the caller for now."""
        self._asked = True
        self._read_or_not()

    def release(self) -> None:
        """Read from the caller again, unless several requests wait."""
        self._asked = False
        self._read_or_not()

    def _read_or_not(self) -> None:
        """Read from the caller, unless the receiver of a request asked not to, or a request waits for its turn."""
        if self._transport is None or self._transport.is_closing():
            return
        waits = len(self.exchanges) > 1 or (bool(self.exchanges) and self.exchanges[0].receiver is None)
        held = self._lingers is None and (self._asked or waits or self._refusal is not None)
        if held and not self._held:
            self._transport.pause_reading()
        elif self._held and not held:
            self._seen = asyncio.get_running_loop().time()
            self._transport.resume_reading()
        self._held = held

    def pause_writing(self) -> None:
        """Tell the receiver that the caller reads too slowly."""
        self._full = True
        if self.exchanges and (receiver := self.exchanges[0].receiver) is not None:
            receiver.wait()

    def resume_writing(self) -> None:
        """Tell the receiver that the caller reads again, or hand the next request on."""
        self._full = False
        if self.exchanges and (receiver := self.exchanges[0].receiver) is not None:
            receiver.go_on()
        else:
            self._next()

    def sweep(self, now: float) -> None:
        """Close the connection if nothing happened for too long; `now` is the loop's time."""
        if self._transport is None:
            return
        unsent = self._transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._unsent, self._drained = unsent, now
        late = self._receives_too_slowly(now)
        if now - self._drained > self.shared.send_seconds:
            self.abort()
        elif self._lingers is not None:
            if now > self._lingers or now - self._seen > _LINGER_IDLE:
                self.abort()
        elif late and any(exchange.started for exchange in self.exchanges):
            self.abort()
        elif late:
            self._refuse(408, f"the request did not come within {self.shared.receive_seconds:g} seconds")
        elif self.idle and now - self._seen > self.shared.idle_seconds:
            self.close()

    def _receives_too_slowly(self, now: float) -> bool:
        """Return whether a head is not complete, or a body did not grow, for too long."""
        if self._held or not self._reader.in_request or self._refusal is not None:
            return False
        since = self._head_began if self._reader.in_head else self._seen
        return now - since > self.shared.receive_seconds

    def close(self) -> None:
        """Close the connection when everything is written."""
        if self._transport is not None:
            self._transport.close()

    def _linger(self) -> None:
        """Close what is written, but drop what still comes: a reset would take the response from the caller."""
        if self._transport is None or self._transport.is_closing() or self._lingers is not None:
            return
        self._seen = asyncio.get_running_loop().time()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._lingers = self._seen + _LINGER
        self._read_or_not()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self, status: int, reason: str) -> None:
        """Answer what cannot be read when its turn has come, and close the connection."""
        broken, self._reading = self._reading, None
        self._refusal = (status, reason)
        if broken is not None and not broken.ended:
            if broken.receiver is not None:
                broken.receiver.lost()
            if broken.started:
                self.abort()
                return
            broken.ended = True
            self.exchanges.remove(broken)
        if not self.exchanges:
            self._write_refusal(status, reason)
        self._read_or_not()

    def _write_refusal(self, status: int, reason: str) -> None:
        head = RequestHead(b"GET", b"/", [], keep_alive=False)
        body = error_body(status, "proxy_exception", reason)
        headers = [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))]
        answer = ResponseHead(status, headers=headers)
        self.write(response_bytes(answer, head, [(b"X-Resift", b"failed")], chunked=False) + body)
        self._linger()
