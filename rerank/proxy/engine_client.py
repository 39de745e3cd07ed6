"""The engine as the flow of a search sees it: a client that sends searches in the name of the proxy's caller."""

from __future__ import annotations

import asyncio
import gzip
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from resift.rerank.proxy.http.engine import Engine
from resift.rerank.proxy.http.messages import RequestHead, ResponseHead, header
from resift.rerank.proxy.http.relay import Fetched, fetch

_DECODER = msgspec.json.Decoder(float_hook=Decimal)  # so that no digit of a number is lost
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_PRETTY = re.compile(rb'^( *)(?:("(?:[^"\\]|\\.)*"): )?(\[\]|\{\})?', re.MULTILINE)
_ENCODING = frozenset((b"accept-encoding", b"content-encoding", b"content-length"))
MOST_BODY = 16 << 20
"""Bytes of the body of a search, unpacked, above which it passes through."""


class UnreadableError(Exception):
    """A search that the proxy does not read passes through, for this reason."""


class RefusedError(Exception):
    """The engine answered a changed search with an error; `status_code` is its status."""

    def __init__(self, status: int) -> None:
        """Keep the status."""
        super().__init__(f"status {status}")
        self.status_code = status


class TimeUpError(Exception):
    """The deadline passed while the engine searched."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A caller's search: its head, its body as it came, unpacked, and the parameters of its URL.

    `path`: where it is sent. `index`: as in the path, decoded. `deadline`: when its time is up, by `time.monotonic`.
    """

    head: RequestHead
    raw: bytes
    body: bytes
    params: Mapping[str, str]
    path: str
    index: str
    deadline: float

    @classmethod
    def read(cls, head: RequestHead, raw: bytes, index: str, deadline: float) -> SearchRequest:
        """Return the request of `head` and `raw`. Raises UnreadableError if the proxy does not read its like."""
        pairs = parse_qsl(head.target.partition(b"?")[2].decode("latin-1"), keep_blank_values=True)
        params = dict(pairs)
        if len(params) < len(pairs):
            raise UnreadableError("a parameter of the URL is given twice")
        if b";" in head.target.partition(b"?")[2]:
            raise UnreadableError("a ; in the URL has more than one meaning")
        if params.get("format", "json") != "json":
            raise UnreadableError("the URL asks for another format than JSON")
        if "source" in params:
            raise UnreadableError("the search is given as source in the URL")
        for name in (b"content-type", b"accept"):
            given = (head.header(name) or b"*/*").lower()
            if b"json" not in given and b"*/*" not in given and b"urlencoded" not in given:
                raise UnreadableError(f"the header {name.decode()} is not of JSON")
        return cls(head, raw, _unpacked(head, raw), params, head.path.decode("latin-1"), index, deadline)

    @property
    def pretty(self) -> bool:
        """Whether the caller wants the response on several lines."""
        return self.params.get("pretty", "false") in ("", "true")

    @property
    def left(self) -> float:
        """The seconds until the deadline, negative after it."""
        return self.deadline - time.monotonic()

    def other(self, path: str, body: bytes) -> SearchRequest:
        """Return the same request with another path and body."""
        return replace(self, path=path, body=body, raw=body)


@dataclass(frozen=True, slots=True)
class Origin:
    """A response as it came; `own`: it is that to the caller's request as it came."""

    fetched: Fetched
    own: bool = False


@dataclass
class Reply:
    """A response of the engine as the flow of a search takes it: its JSON, and `meta`, where it is from."""

    body: Any
    meta: Origin


class EngineClient:
    """Sends the searches of one request of a caller, with its headers."""

    def __init__(self, engine: Engine, request: SearchRequest) -> None:
        """Send to `engine` in the name of the caller of `request`."""
        self._engine, self._request, self._own = engine, request, request
        self.milliseconds = 0.0
        """How long the engine took for the searches that were sent, in all."""

    def change(self, request: SearchRequest) -> None:
        """Send the searches of `request` from now on; the caller's own request stays what it was."""
        self._request = request

    async def search(self, body: Any = None, index: object = None, params: Any = None) -> Reply:  # noqa: ANN401 - JSON
        """Send one search. Raises RefusedError, TimeUpError and EngineFailureError."""
        return await self._send(body if isinstance(body, bytes) else b"" if body is None else encode(body), params)

    async def msearch(self, body: Any = None, index: object = None, params: Any = None) -> Reply:  # noqa: ANN401
        """Send many searches. Raises RefusedError, TimeUpError and EngineFailureError."""
        lines = body if isinstance(body, bytes) else b"".join(encode(line) + b"\n" for line in body)
        return await self._send(lines, params)

    async def own(self) -> Fetched:
        """Send the caller's request as it came, and return the response as it comes. Raises EngineFailureError."""
        return await fetch(self._engine, self._own.head, self._own.raw)

    async def post(self, path: str, body: bytes) -> Reply:
        """Send another request in the name of the caller. Raises as `search` does."""
        return await self._send(body, {}, path)

    async def _send(self, body: bytes, params: Mapping[str, str] | None, path: str | None = None) -> Reply:
        request, started = self._request, time.monotonic()
        own = request is self._own and path is None and body is request.body and (params or {}) == request.params
        try:
            if own:
                fetched = await self.own()
            else:
                async with asyncio.timeout(max(0.0, request.left)):
                    fetched = await fetch(self._engine, _changed_head(request, body, params, path), body, own=True)
        except TimeoutError:
            raise TimeUpError from None
        finally:
            self.milliseconds += 1000 * (time.monotonic() - started)
        if fetched.head.status != 200:
            raise RefusedError(fetched.head.status)
        return Reply(_DECODER.decode(_unpacked(fetched.head, fetched.body)), Origin(fetched, own))


def _changed_head(
    request: SearchRequest, body: bytes, params: Mapping[str, str] | None, path: str | None
) -> RequestHead:
    """Return the head of a changed request, whose response is to come without compression."""
    target = (path or request.path).encode("latin-1")
    sent = {name: value for name, value in (params or {}).items() if name != "pretty"}
    if sent:
        target += b"?" + urlencode(sent, quote_via=quote).encode("latin-1")
    headers = [pair for pair in request.head.headers if pair[0].lower() not in _ENCODING]
    if body and header(headers, b"content-type") is None:
        accepted = header(headers, b"accept") or b""  # Elasticsearch wants the same version in both
        own = accepted if accepted.lower().startswith(b"application/vnd.elasticsearch+json") else b"application/json"
        headers.append((b"Content-Type", own))
    return RequestHead(b"POST" if body else request.head.method, target, headers)


def encode(value: object) -> bytes:
    """Return a value as JSON; decimal numbers keep their digits. Raises UnreadableError if a text is not Unicode."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        raise UnreadableError("a text has half of a surrogate pair") from None


def encode_response(value: object, pretty: bool) -> bytes:
    """Return the body of a response, on several lines if the caller wants that, as the engines do."""
    encoded = _ENCODER.encode(value)
    return _PRETTY.sub(_spaced, msgspec.json.format(encoded, indent=2)) + b"\n" if pretty else encoded


def _spaced(line: re.Match[bytes]) -> bytes:
    """Return a line with the blanks that the engines write: before colons, and in empty lists and objects."""
    start, name, empty = line.groups()
    return start + (name + b" : " if name else b"") + (b"%b %b" % (empty[:1], empty[1:]) if empty else b"")


def packed(body: bytes, accepted: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return `body` compressed with its header, if the caller's headers accept gzip and it is worth it."""
    codings = (header(accepted, b"accept-encoding") or b"").lower()
    if len(body) < 1400 or not any(_takes_gzip(one) for one in codings.split(b",")):
        return body, []
    return gzip.compress(body, compresslevel=1, mtime=0), [(b"Content-Encoding", b"gzip")]


def _takes_gzip(coding: bytes) -> bool:
    """Return whether one coding of Accept-Encoding is gzip, with a weight above 0."""
    name, _, weight = coding.replace(b" ", b"").partition(b";")
    return name == b"gzip" and weight.rstrip(b"0.") != b"q="


def _unpacked(head: RequestHead | ResponseHead, raw: bytes) -> bytes:
    coding = (head.header(b"content-encoding") or b"").lower()
    if coding in (b"", b"identity"):
        return raw
    if coding != b"gzip":
        raise UnreadableError("the body has an encoding that is not gzip")
    try:
        unpacker = zlib.decompressobj(wbits=31)
        body = unpacker.decompress(raw, MOST_BODY + 1)
    except zlib.error:
        raise UnreadableError("the body is not valid gzip") from None
    if len(body) > MOST_BODY or unpacker.unconsumed_tail or not unpacker.eof:
        raise UnreadableError("the body is too large, or not complete")
    return body
