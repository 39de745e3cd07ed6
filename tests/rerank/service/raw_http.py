"""Send bytes to a service as they are, right or wrong, and read what it answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

WAIT = 60.0
"""Seconds without an answer after which a service counts as hung, on a machine that is busy with other tests."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON; Infinity and NaN, which are none, are refused."""
        return json.loads(self.body, parse_constant=lambda name: 1 / 0)


class Line:
    """One connection, on which bytes are sent and answers are read."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=WAIT)
        self._held = b""

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send `data`, or what the service takes of it before it cuts the connection."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def finish(self) -> None:
        """Send nothing more."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def answer(self, to_head: bool = False) -> Answer | None:
        """Return the next answer, None if the connection ends before it. Raises TimeoutError if neither happens."""
        while True:
            head = self._until(b"\r\n\r\n")
            if head is None:
                return None
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            status = int(first.split(" ")[1])
            if status != 100:
                size = 0 if to_head else int(headers.get("content-length", "0"))
                body = self._exactly(size)
                return None if body is None else Answer(status, headers, body)

    def rest(self) -> bytes:
        """Return all that is still sent until the connection ends."""
        while self._more():
            continue
        return self._held

    def ended(self) -> bool:
        """Return whether the service has ended the connection; waits until something happens."""
        return not self._more()

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self._held:
            if not self._more():
                return None
        found, _, self._held = self._held.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes | None:
        while len(self._held) < size:
            if not self._more():
                return None
        found, self._held = self._held[:size], self._held[size:]
        return found

    def _more(self) -> bool:
        try:
            part = self.socket.recv(1 << 16)
        except ConnectionResetError:
            return False
        self._held += part
        return bool(part)


def request(path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, method: str = "POST") -> bytes:
    """Return a request as bytes, with the length of its body unless `headers` have one or a Transfer-Encoding."""
    given = {"Host": "localhost", **(headers or {})}
    if not {"content-length", "transfer-encoding"} & {name.lower() for name in given}:
        given["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def ask(url: str, data: bytes) -> Answer:
    """Return the answer to `data` on a connection of its own. Raises AssertionError if there is none."""
    with Line(url) as line:
        line.send(data)
        found = line.answer()
    assert found is not None, f"no answer to {data[:200]!r}"
    return found


def chunked(*parts: bytes) -> bytes:
    """Return `parts` as the chunks of a body, each with its length."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))
