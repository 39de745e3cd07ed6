"""The heads of requests and responses, and how they are written to the other side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

Headers = Sequence[tuple[bytes, bytes]]

OF_ONE_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
"""Headers that concern one connection alone (RFC 9110, 7.6.1), and are not passed on."""

_FOR_THE_PROXY = frozenset((b"host", b"expect", b"x-resift", b"x-resift-details"))
_FRAMING = b"content-length"  # a caller that names it in Connection must not take it from the engine


@dataclass(slots=True)
class RequestHead:
    """The first line and the headers of a request; `target` is its path and query, as the caller wrote them.

    `chunked`: its body has no length. `keep_alive`: the connection stays open afterwards. `old`: it is HTTP/1.0.
    """

    method: bytes
    target: bytes
    headers: Headers
    chunked: bool = False
    keep_alive: bool = True
    old: bool = False

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]

    @property
    def has_body(self) -> bool:
        """Whether a body follows."""
        return self.chunked or (self.header(b"content-length") or b"0").strip(b"0") != b""

    @property
    def asks_first(self) -> bool:
        """Whether the caller waits for 100 Continue before it sends the body."""
        return self.header(b"expect") is not None

    def header(self, name: bytes) -> bytes | None:
        """Return the value of the header `name`, in lower case, None if it is missing."""
        return header(self.headers, name)


@dataclass(slots=True)
class ResponseHead:
    """The status and the headers of a response; without a `reason` it gets the usual words."""

    status: int
    reason: bytes | None = None
    headers: Headers = field(default_factory=list)

    def header(self, name: bytes) -> bytes | None:
        """Return the value of the header `name`, in lower case, None if it is missing."""
        return header(self.headers, name)


def header(headers: Headers, name: bytes) -> bytes | None:
    """Return the value of the first header `name`, in lower case, None if it is missing."""
    for one, value in headers:  # a loop: it is called several times for every request
        if one.lower() == name:
            return value
    return None


def passed_on(headers: Headers, without: frozenset[bytes] = frozenset()) -> list[tuple[bytes, bytes]]:
    """Return the headers that the other side gets: not those of one connection alone, nor those in `without`."""
    dropped = OF_ONE_CONNECTION | without
    for name, value in headers:
        if name.lower() == b"connection":
            dropped |= {one.strip().lower() for one in value.split(b",")} - {_FRAMING}
    return [pair for pair in headers if pair[0].lower() not in dropped]


def request_bytes(head: RequestHead, host: bytes, prefix: bytes, length: int | None = None) -> bytes:
    """Return the head of a request as the engine gets it, for the address `host` and below the path `prefix`.

    `length`: bytes of its body, if it is not sent as the caller framed it.
    """
    without = _FOR_THE_PROXY if length is None else _FOR_THE_PROXY | {b"content-length"}
    lines = [b"%b %b%b HTTP/1.1\r\nHost: %b\r\n" % (head.method, prefix, head.target, host)]
    lines += [b"%b: %b\r\n" % pair for pair in passed_on(head.headers, without)]
    if length is not None:
        lines.append(b"Content-Length: %d\r\n" % length)
    elif head.chunked:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def response_bytes(head: ResponseHead, request: RequestHead, more: Headers, chunked: bool) -> bytes:
    """Return the head of a response as the caller of `request` gets it, with `more` headers."""
    lines = [b"HTTP/1.1 %d %b\r\n" % (head.status, _reason(head.status) if head.reason is None else head.reason)]
    lines += [b"%b: %b\r\n" % pair for pair in passed_on(head.headers)]
    lines += [b"%b: %b\r\n" % pair for pair in more]
    if chunked:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    if not request.keep_alive:
        lines.append(b"Connection: close\r\n")
    elif request.old:
        lines.append(b"Connection: keep-alive\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def error_body(status: int, kind: str, reason: str) -> bytes:
    """Return an error in the form of the engines' own, so that their clients can show it."""
    cause = {"type": kind, "reason": reason}
    return json.dumps({"error": {"root_cause": [cause], **cause}, "status": status}).encode()


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
