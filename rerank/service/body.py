"""Receive the body of a request: within limits of size and time, unpacked, and parsed as a JSON object."""

from __future__ import annotations

import asyncio
import json
import math
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.types import Receive

from resift.rerank.service.request_error import RequestError, invalid, overloaded
from resift.rerank.strict_json import STRICT_JSON

MOST_VALUES = 200_000
"""Values in a body at most, such as the numbers and texts of its arrays: each takes memory, and time to read."""

DEEPEST = 100
"""Arrays and objects inside each other at most."""

_IN_A_THREAD = 1 << 20  # bytes of JSON from which it is parsed in another thread, so that others are served meanwhile
_DISCARDED = 8  # how many times the limit is read and dropped of a body that is too large, so that its sender reads on
_SEVERAL = 8  # how many bodies of the largest size fit into memory together

_ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # content encoding -> window bits of zlib


@dataclass(slots=True)
class _Held:
    """How many bytes of a request are held."""

    size: int = 0


@dataclass(slots=True)
class Intake:
    """How much is received: `max_bytes` of a body, within `seconds`.

    `received` counts the bytes of the bodies that are being received, and of those whose requests are not answered yet.
    """

    max_bytes: int
    seconds: float
    received: int = 0
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)  # values take far more memory than their JSON

    @asynccontextmanager
    async def reading(self, receive: Receive, headers: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """Yield the JSON object in the body of a request, which counts as received until the block ends.

        Raises RequestError: 400 if it is not JSON, 408 if it comes too slowly, 413 if it is too large, 415 if its
        encoding is not known, 422 if it is not an object, 429 if too many are received at once, 499 if it is broken
        off.
        """
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "", *_ENCODINGS):
            raise RequestError(415, "Validation", f"the encoding {encoding[:40]!r} is not known; expected gzip or none")
        held = _Held()
        try:
            yield await self._read(receive, headers, encoding, held)
        finally:
            self.received -= held.size

    async def _read(self, receive: Receive, headers: Mapping[str, str], encoding: str, held: _Held) -> dict[str, Any]:
        body = await self._receive(receive, headers, held)
        if encoding in _ENCODINGS or len(body) >= _IN_A_THREAD:
            async with self._one_at_a_time:
                value, size = await asyncio.to_thread(self._decode, body, encoding)
                self._hold(held, size - len(body))
        else:
            value = parse(body)
        if not isinstance(value, dict):
            raise RequestError(422, "Validation", f"the body is a JSON {_kind(value)}; expected an object")
        return value

    async def _receive(self, receive: Receive, headers: Mapping[str, str], held: _Held) -> bytes:
        declared = int(headers.get("content-length") or 0)
        if declared > self.max_bytes:
            if headers.get("expect", "").lower() != "100-continue":  # else its sender waits for the answer
                await self._discard(receive)
            raise self._too_large()
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self.seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise RequestError(499, "Cancelled", "the caller hung up")
                    part = message.get("body", b"")
                    parts.append(part)
                    self._hold(held, len(part))
                    if held.size > self.max_bytes:
                        parts.clear()
                        await self._discard(receive)
                        raise self._too_large()
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise RequestError(
                408, "Timeout", f"the body did not arrive within {self.seconds:g} s", {"Connection": "close"}
            ) from None

    async def _discard(self, receive: Receive) -> None:
        """Read and drop what is still sent, within bounds: a sender who is cut off does not read the answer."""
        left = _DISCARDED * self.max_bytes
        try:
            async with asyncio.timeout(self.seconds):
                while left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return
        except TimeoutError:
            return

    def _hold(self, held: _Held, size: int) -> None:
        """Count `size` more bytes. Raises RequestError if all requests together are too large."""
        held.size += size
        self.received += size
        if self.received > _SEVERAL * self.max_bytes:
            raise overloaded("too many large requests are being received; send it again later", 1)

    def _decode(self, body: bytes, encoding: str) -> tuple[Any, int]:
        """Return the value in a body, and how many bytes its JSON has."""
        plain = self._unpack(body, _ENCODINGS[encoding]) if encoding in _ENCODINGS else body
        return parse(plain), len(plain)

    def _unpack(self, body: bytes, window: int) -> bytes:
        unpacker = zlib.decompressobj(window)
        try:
            found = unpacker.decompress(body, self.max_bytes + 1)
        except zlib.error as error:
            raise RequestError(400, "Validation", f"the body cannot be unpacked: {error}") from None
        if len(found) > self.max_bytes:
            raise self._too_large()
        if not unpacker.eof:
            raise RequestError(400, "Validation", "the body cannot be unpacked: its end is missing")
        return found

    def _too_large(self) -> RequestError:
        message = f"the body is larger than {self.max_bytes >> 20} MB; send fewer documents at once"
        return RequestError(413, "TooLarge", message, {"Connection": "close"})


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):  # it could not be sent back as JSON
        raise invalid(f"the number {text[:40]} is too large; expected finite numbers")
    return value


_JSON = json.JSONDecoder(parse_constant=STRICT_JSON.parse_constant, parse_float=_finite)


def parse(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value in `body`.

    Raises RequestError: 400 if it is not JSON or nested too deep, 413 if it has too many values, 422 if a number is
    too large for a float.
    """
    if not body:
        raise RequestError(
            400, "Empty", 'the body is empty; expected JSON such as {"query": "...", "documents": [...]}'
        )
    values, depth = _count(body)
    if depth > DEEPEST:
        raise RequestError(400, "Validation", f"the body is nested too deep; expected at most {DEEPEST} levels")
    if values > MOST_VALUES:
        raise RequestError(413, "TooLarge", f"the body has more than {MOST_VALUES} values; send fewer at once")
    try:
        return _JSON.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RequestError(400, "Validation", f"byte {error.start} of the body is not UTF-8") from None
    except ValueError as error:
        raise RequestError(400, "Validation", f"the body is not usable JSON: {_reason(error)}") from None


def _count(body: bytes) -> tuple[int, int]:
    """Return how many values the JSON in `body` has, and how deep it is nested, in far less time than parsing takes.

    Both are right up to the place where a body is not JSON, if it has such a place; parsing goes no further.
    """
    marks = np.frombuffer(body.replace(rb"\\", b"").replace(rb"\"", b""), dtype=np.uint8)  # without escaped quotes
    marks = marks[~np.logical_xor.accumulate(marks == ord('"'))]  # what is outside of strings, and closing quotes
    opened = (marks == ord("[")) | (marks == ord("{"))
    closed = (marks == ord("]")) | (marks == ord("}"))
    depths = np.cumsum(opened.astype(np.int8) - closed.astype(np.int8), dtype=np.int32)
    return int(opened.sum()) + int((marks == ord(",")).sum()), int(depths.max(initial=0))


def _reason(error: ValueError) -> str:
    """Return what is wrong with a JSON text; Python's words on numbers with many digits speak of its own settings."""
    text = str(error)[:200]
    return "a number has too many digits" if "integer string" in text else text


def _kind(value: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return names.get(type(value), type(value).__name__)
