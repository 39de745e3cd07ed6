"""Read the requests of one connection: strictly, and with bounds on what is kept before a request is understood."""

from __future__ import annotations

from typing import Protocol

import httptools

from resift.rerank.proxy.http.messages import RequestHead

MOST_HEADER_BYTES = 64 << 10
"""Bytes of the target and the headers of a request, at most; the engines take less."""


class BadRequestError(Exception):
    """What came cannot be read as a request; `status` is that of the response."""

    def __init__(self, status: int, reason: str) -> None:
        """Keep the status and the reason."""
        super().__init__(reason)
        self.status = status


_TOO_LARGE = f"the target and headers have more than {MOST_HEADER_BYTES} bytes"


class Requests(Protocol):
    """Takes the requests of a connection, one after the other."""

    def begin(self, head: RequestHead) -> None:
        """Take the head of a request."""

    def body(self, data: bytes) -> None:
        """Take a part of its body."""

    def complete(self) -> None:
        """Take note that it is complete."""


class RequestReader:
    """Reads bytes, and hands the requests in them to `requests`.

    An upgrade to another protocol is not made: the request is read as if it did not ask for that, as servers may do
    (RFC 9110, 7.8). Trailers are left out (6.5.1).
    """

    def __init__(self, requests: Requests) -> None:
        """Begin between two requests."""
        self._requests = requests
        self._parser = httptools.HttpRequestParser(self)
        self._target = self._written = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._size = self._silent = 0
        self._advanced = self._muted = False
        self._upgraded: bytes | None = None  # a head with the framing of a request that asks for another protocol
        self.in_head = False
        """Whether the head of a request has begun, and is not complete."""
        self.in_request = False
        """Whether a request has begun, and is not complete."""

    def feed(self, data: bytes) -> None:
        """Read `data`. Raises BadRequestError, after which nothing more can be read; errors of `requests` pass."""
        self._advanced, size = not self.in_request, len(data)
        if not self.in_request:
            data = self._with_plain_target(data)
        try:
            while data:
                data = self._feed(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            raise (cause if isinstance(cause, Exception) else error) from None
        except httptools.HttpParserInvalidURLError:
            raise BadRequestError(400, "the target has bytes that must be percent-encoded") from None
        except httptools.HttpParserError:
            raise BadRequestError(400, "the request is not valid HTTP/1.1") from None
        self._silent = 0 if self._advanced else self._silent + size
        if self._silent > MOST_HEADER_BYTES:  # the parser keeps an unfinished header
            raise BadRequestError(431, _TOO_LARGE)

    def _feed(self, data: bytes) -> bytes:
        """Read `data`, and return what comes after a request that asks for another protocol."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            framing, self._upgraded = self._upgraded, None
            self._parser = httptools.HttpRequestParser(self)
            if framing:
                self._muted = True
                self._parser.feed_data(framing)
                self._muted = False
            return data[upgrade.args[0] :]
        return b""

    def _with_plain_target(self, data: bytes) -> bytes:
        """Return `data` with a target in ASCII; the engines take other bytes too, the parser does not."""
        line = data[: max(0, data.find(b"\r"))]
        if line.isascii() or len(line) > MOST_HEADER_BYTES or len(parts := line.split(b" ")) != 3:
            return data
        self._written = parts[1]
        plain = b"".join(bytes((byte,)) if byte < 128 else b"%%%02X" % byte for byte in parts[1])
        return b" ".join((parts[0], plain, parts[2])) + data[len(line) :]

    def on_message_begin(self) -> None:
        """Begin a request."""
        if not self._muted:
            self._target, self._headers, self._size = b"", [], 0
            self.in_request = self.in_head = self._advanced = True

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        if not self._muted:
            self._target += part
            self._grow(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one after the body is a trailer."""
        if self.in_head:
            self._headers.append((name, value))
            self._grow(len(name) + len(value) + 4)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MOST_HEADER_BYTES:
            raise BadRequestError(431, _TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Hand the head on."""
        if self._muted:
            return
        self.in_head = False
        written, self._written = self._written, b""
        head = read_head(self._parser, written or self._target, self._headers)
        if self._parser.should_upgrade():
            length = head.header(b"content-length")
            framing = b"Transfer-Encoding: chunked" if head.chunked else b"Content-Length: %b" % (length or b"0")
            self._upgraded = b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing if head.has_body else b""
        self._requests.begin(head)

    def on_body(self, data: bytes) -> None:
        """Hand a part of the body on."""
        self._advanced = True
        self._requests.body(data)

    def on_message_complete(self) -> None:
        """End a request, unless its body is still to come."""
        if self._upgraded:
            return
        self.in_request, self._advanced = False, True
        self._requests.complete()


def read_head(parser: httptools.HttpRequestParser, target: bytes, headers: list[tuple[bytes, bytes]]) -> RequestHead:
    """Return the head that `parser` has read. Raises BadRequestError if the proxy does not take its like."""
    version, method = parser.get_http_version(), parser.get_method()
    if version not in ("1.0", "1.1"):
        raise BadRequestError(505, f"HTTP/{version} is not supported; expected HTTP/1.1")
    codings = [value.strip().lower() for name, value in headers if name.lower() == b"transfer-encoding"]
    if codings and (codings != [b"chunked"] or version == "1.0"):
        raise BadRequestError(501, "the Transfer-Encoding is not supported; expected chunked, in HTTP/1.1")
    if any(value.strip().lower() != b"100-continue" for name, value in headers if name.lower() == b"expect"):
        raise BadRequestError(417, "the header Expect is not supported; expected 100-continue")
    if not target.startswith(b"/") and not (target == b"*" and method == b"OPTIONS"):
        raise BadRequestError(400, "the target of the request is not a path; expected one that begins with /")
    return RequestHead(method, target, headers, bool(codings), parser.should_keep_alive(), version == "1.0")
