"""One request of a caller and the response to it, written to the caller's connection."""

from __future__ import annotations

import asyncio
from typing import Protocol

from resift.rerank.proxy.http.messages import RequestHead, ResponseHead, error_body, response_bytes

_NO_BODY = (204, 304)


class Connection(Protocol):
    """What an exchange needs of the connection to its caller."""

    @property
    def last(self) -> bool:
        """Whether the connection takes no further request."""

    def write(self, data: bytes) -> None:
        """Write bytes to the caller."""

    def answered(self, exchange: Exchange) -> None:
        """Go on with the next request."""

    def hold(self) -> None:
        """Read nothing more from the caller for now."""

    def release(self) -> None:
        """Read from the caller again."""

    def abort(self) -> None:
        """Cut the connection."""


class Receiver(Protocol):
    """Takes the body of a request, and learns how its caller is doing."""

    def body(self, data: bytes) -> None:
        """Take a part of the body."""

    def complete(self) -> None:
        """Take note that the body is complete."""

    def lost(self) -> None:
        """Take note that the caller hung up before the response was complete."""

    def wait(self) -> None:
        """Send no more of the response: the caller reads too slowly."""

    def go_on(self) -> None:
        """Send more of the response."""


class Exchange:
    """One request of a caller, and the response to it."""

    __slots__ = ("_unsent", "chunked", "complete", "connection", "early", "ended", "head", "receiver", "started")

    def __init__(self, head: RequestHead, connection: Connection) -> None:
        """Begin without a receiver: it gets one when the requests before it are answered."""
        self.head, self.connection = head, connection
        self.receiver: Receiver | None = None
        self.early: list[bytes] = []  # of the body, while an earlier request is being answered
        self.complete = self.started = self.ended = self.chunked = False
        self._unsent = b""  # the head of the response, until the first part of its body

    def start(self, response: ResponseHead, more: list[tuple[bytes, bytes]], sized: bool) -> None:
        """Write the head of the response, with `more` headers; `sized`: its headers have the length of the body."""
        request = self.head
        self.started = True
        if not self.complete or self.connection.last:
            request.keep_alive = False  # what is left of the request would be read as the next one
        bare = request.method == b"HEAD" or response.status in _NO_BODY or response.status < 200
        self.chunked = not (sized or bare or request.old)
        if not (sized or bare) and request.old:
            request.keep_alive = False  # the end of the body is the end of the connection
        self._unsent = response_bytes(response, request, more, self.chunked)
        asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write the head if no part of the body took it along."""
        if self._unsent:
            unsent, self._unsent = self._unsent, b""
            self.connection.write(unsent)

    def write(self, data: bytes) -> None:
        """Write a part of the body of the response."""
        if self.head.method == b"HEAD" or not data:
            return
        unsent, self._unsent = self._unsent, b""
        self.connection.write(unsent + (b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data))

    def end(self) -> None:
        """End the response."""
        if self.ended:
            return
        self.flush()
        if self.chunked:
            self.connection.write(b"0\r\n\r\n")
        self.ended = True
        self.connection.answered(self)

    def abort(self) -> None:
        """Cut the connection, so that the caller sees that the response is not complete."""
        self.ended = True
        self.connection.abort()

    def answer(self, response: ResponseHead, body: bytes, more: list[tuple[bytes, bytes]]) -> None:
        """Write a whole response, with the length of `body`."""
        headers = [pair for pair in response.headers if pair[0].lower() != b"content-length"]
        sized = ResponseHead(response.status, response.reason, [*headers, (b"Content-Length", b"%d" % len(body))])
        self.start(sized, more, sized=True)
        self.write(body)
        self.end()

    def refuse(self, status: int, kind: str, reason: str) -> None:
        """Answer with an error in the engines' form; a response that has begun is cut off."""
        if self.started:
            self.abort()
            return
        head = ResponseHead(status, headers=[(b"Content-Type", b"application/json")])
        self.answer(head, error_body(status, kind, reason), [(b"X-Resift", b"failed")])
