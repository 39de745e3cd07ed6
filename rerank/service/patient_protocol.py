"""Uvicorn's protocol with a time limit for the headers of a request, and without offers to change the protocol."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_UPGRADE = re.compile(rb"^upgrade:[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE)
"""An offer to change to another protocol, which a server may ignore (RFC 9110, section 7.8).

Java's client offers HTTP/2 with its first request, and httptools skips the body of a request with an offer.
"""

_LONGEST_LINE = 64 << 10  # bytes of a line of the headers that are held back, at most; the parser refuses longer ones


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers take more than `patience` seconds.

    The clock starts when a connection opens and when a request begins on it, and stops after the headers.
    """

    patience = 20.0
    _clock: asyncio.TimerHandle | None = None
    _in_body = False
    _held = b""

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as in uvicorn
        """Start the clock of a new connection."""
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Give the parser whole lines of headers, without an offer of another protocol, and bodies as they come."""
        if self._in_body:
            super().data_received(data)
            return
        data, self._held = self._held + data, b""
        head, blank, rest = data.partition(b"\r\n\r\n")
        if not blank:
            end = head.rfind(b"\r\n") + 2 if b"\r\n" in head else 0
            head, held = head[:end], head[end:]
            head, self._held = (head, held) if len(held) <= _LONGEST_LINE else (head + held, b"")
        if self._held and self._clock is None:
            self._start_clock()
        cleaned = _UPGRADE.sub(b"", head + b"\r\n")[:-2] if blank else _UPGRADE.sub(b"", head)
        if cleaned or blank:
            super().data_received(cleaned + blank + rest)

    def on_message_begin(self) -> None:
        """Start the clock of a request, if it does not run since the connection was opened."""
        if self._clock is None:
            self._start_clock()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop the clock: the body has a time limit of its own."""
        self._stop_clock()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the headers of the next request."""
        self._in_body = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def _start_clock(self) -> None:
        self._clock = self.loop.call_later(self.patience, self.transport.close)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


def patient_protocol(seconds: float) -> type[asyncio.Protocol]:
    """Return a protocol that waits `seconds` for the headers of a request."""
    return type("PatientProtocol", (PatientProtocol,), {"patience": seconds})
