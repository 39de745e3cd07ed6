"""One connection to a node of the engine: a request at a time, and its response handed on as it comes."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol, cast

import httptools

from resift.rerank.proxy.http.address import NodeAddress
from resift.rerank.proxy.http.messages import ResponseHead

_LOG = logging.getLogger("resift.proxy")
_BUFFERED = 256 << 10  # bytes written and not sent yet, above which the caller is told to wait
_NO_BODY = (204, 304)
_UNREAD = frozenset((400, 413, 414, 417, 431, 501, 505))
"""With these statuses a node may have refused a request that it did not read to its end.

Elasticsearch and OpenSearch then ignore all that follows on the connection (after a header of more than 16 KB), or read
the body as the next request (after 417), so that the connection must not serve another caller.
"""
_MOST_SILENT = 1 << 20  # bytes in a row of which nothing could be handed on


class Taker(Protocol):
    """Takes the response to one request."""

    def started(self, head: ResponseHead, sized: bool) -> None:
        """Take the head; `sized`: its headers have the length of the body."""

    def data(self, data: bytes) -> None:
        """Take a part of the body."""

    def finished(self) -> None:
        """Take note that the response is complete."""

    def failed(self, unanswered: bool) -> None:
        """Take note that the connection broke; `unanswered`: before the first byte of the response."""

    def hold_request(self) -> None:
        """Send no more of the request for now: the engine reads too slowly."""

    def release_request(self) -> None:
        """Send more of the request."""


class Owner(Protocol):
    """A node, which keeps the connections that are not in use."""

    @property
    def address(self) -> NodeAddress:
        """The address of the node."""

    def take_back(self, connection: EngineConnection) -> None:
        """Keep a connection for the next request."""

    def forget(self, connection: EngineConnection) -> None:
        """Take note that a connection is closed."""


class EngineConnection(asyncio.Protocol):
    """One connection to a node; it has one request at a time, and is given back to its owner between two."""

    def __init__(self, owner: Owner) -> None:
        """Belong to `owner`."""
        self.owner = owner
        self.used = False  # for an earlier request, so that the node may have closed it meanwhile
        self.since = 0.0  # the loop's time when it was last given back
        self.taker: Taker | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._head = ResponseHead(0)
        self._silent = 0
        self._to_head = self._in_head = self._answered = self._until_end = self._stays = self._held = self._lost = False
        self._sent = True  # the whole request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(_BUFFERED)

    @property
    def lost(self) -> bool:
        """Whether the connection is closed."""
        return self._lost or self._transport is None or self._transport.is_closing()

    def send(self, taker: Taker, data: bytes, to_head: bool, complete: bool) -> None:
        """Send the head of a request with what is there of its body.

        `to_head`: the method is HEAD. `complete`: `data` is the whole request.
        """
        self.taker, self._to_head, self._answered, self._sent = taker, to_head, False, complete
        if self.lost:
            asyncio.get_running_loop().call_soon(self._fail)
        elif self._transport is not None:
            self._transport.write(data)

    def write(self, data: bytes, complete: bool = False) -> None:
        """Send a part of the body of the request; `complete`: the last one."""
        self._sent = complete
        if data and self._transport is not None and not self.lost:
            self._transport.write(data)

    def hold(self) -> None:
        """Read nothing more of the response for now."""
        if not self._held and self._transport is not None and not self.lost:
            self._held = True
            self._transport.pause_reading()

    def release(self) -> None:
        """Read more of the response."""
        if self._held and self._transport is not None and not self.lost:
            self._held = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """Cut the connection: the engine cancels what it does for it."""
        self.taker = None
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse what came; what nobody asked for ends the connection."""
        if self.taker is None:
            self.abort()
            return
        self._answered = True
        self._silent += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, _NotAskedForError):
                _LOG.error("a response failed", exc_info=error.__context__)
            self._fail()
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail()
        if self._silent > _MOST_SILENT:
            self._fail()

    def connection_lost(self, error: Exception | None) -> None:
        """End a response that has no other end, else report that it failed."""
        self._lost = True
        self.owner.forget(self)
        if self.taker is None:
            return
        if self._until_end and error is None:
            taker, self.taker = self.taker, None
            taker.finished()
        else:
            self._fail()

    def _fail(self) -> None:
        taker, self.taker = self.taker, None
        self.abort()
        if taker is not None:
            taker.failed(unanswered=not self._answered)

    def pause_writing(self) -> None:
        """Tell the taker that the engine reads too slowly."""
        if self.taker is not None:
            self.taker.hold_request()

    def resume_writing(self) -> None:
        """Tell the taker that the engine reads again."""
        if self.taker is not None:
            self.taker.release_request()

    def on_message_begin(self) -> None:
        """Begin a response."""
        if self.taker is None:
            raise _NotAskedForError
        self._head, self._in_head = ResponseHead(0, b"", []), True

    def on_status(self, reason: bytes) -> None:
        """Take the words after the status."""
        self._head.reason = (self._head.reason or b"") + reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one after the body is a trailer, which is left out."""
        if self._in_head:
            cast(list[tuple[bytes, bytes]], self._head.headers).append((name, value))

    def on_headers_complete(self) -> None:
        """Hand the head on, unless it is that of an interim response."""
        head, self._in_head = self._head, False
        head.status = self._parser.get_status_code()
        if head.status < 200:
            return
        codings = [value.strip().lower() for name, value in head.headers if name.lower() == b"transfer-encoding"]
        if self.taker is None or codings not in ([], [b"chunked"]):
            raise _NotAskedForError
        sized, self._silent = head.header(b"content-length") is not None, 0
        self._until_end = not (sized or codings or self._to_head or head.status in _NO_BODY)
        self._stays = _stays(head, self._parser.get_http_version()) and not self._until_end
        self.taker.started(head, sized)
        if self._to_head:  # the parser does not know that a response to HEAD has no body
            self._parser = httptools.HttpResponseParser(self)
            self._finish()

    def on_body(self, data: bytes) -> None:
        """Hand a part of the body on."""
        if self.taker is None:
            raise _NotAskedForError
        self._silent = 0
        self.taker.data(data)

    def on_message_complete(self) -> None:
        """End a response."""
        if self._head.status >= 200 and self.taker is not None:
            self._finish()

    def _finish(self) -> None:
        taker, self.taker = self.taker, None
        self.used, self._silent = True, 0
        if self._sent and self._stays:
            self.release()  # its next response may be for a caller that reads
            self.owner.take_back(self)
        elif self._transport is not None:
            self._transport.close()
        if taker is not None:
            taker.finished()


class _NotAskedForError(Exception):
    """The node sent what belongs to no request, or in a form that HTTP does not allow here."""


def _stays(head: ResponseHead, version: str) -> bool:
    """Return whether the node keeps the connection open after its response."""
    lines = [value.lower() for name, value in head.headers if name.lower() == b"connection"]
    options = {one.strip() for line in lines for one in line.split(b",")}
    return head.status not in _UNREAD and b"close" not in options and (version == "1.1" or b"keep-alive" in options)
