"""Uvicorn's protocol with limits for callers who send or read too slowly, or send headers without end."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_UPGRADE = re.compile(rb"^upgrade:[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE)
"""An offer to change to another protocol, which a server may ignore (RFC 9110, section 7.8).

Java's client offers HTTP/2 with its first request, and httptools skips the body of a request with an offer.
"""

MOST_HEADER_BYTES = 64 << 10
"""Bytes of a request's line and headers at most, and of what surrounds a part of its body."""

_TOO_MANY = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers take more than `patience` seconds.

    The clock starts when a connection opens and when a request begins on it, and stops after the headers. It also
    starts when something comes that belongs to no request, such as the rest of a body that nobody reads; and a caller
    who reads nothing of an answer for that long is cut off.
    """

    patience = 20.0
    _clock: asyncio.TimerHandle | None = None
    _in_body = False
    _held = b""
    _overhead = 0  # bytes since a request or a part of a body ended
    _reading: asyncio.TimerHandle | None = None  # watches that the caller reads what is sent

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as in uvicorn
        """Start the clock of a new connection."""
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Pass on what came, and close the connection if it is too much, or belongs to no request for too long."""
        self._overhead += len(data)
        self._pass_on(data)
        if self.transport.is_closing():
            return
        if self._overhead > MOST_HEADER_BYTES:
            self.transport.write(_TOO_MANY)
            self.transport.close()
        elif self._clock is None and self.timeout_keep_alive_task is None:
            if getattr(self.cycle, "response_complete", True):  # there is no cycle before the first request
                self._start_clock()

    def _pass_on(self, data: bytes) -> None:
        """Give the parser whole lines of headers, without an offer of another protocol, and bodies as they come."""
        if self._in_body:
            super().data_received(data)
            return
        data, self._held = self._held + data, b""
        head, blank, rest = data.partition(b"\r\n\r\n")
        if not blank:
            end = head.rfind(b"\r\n") + 2 if b"\r\n" in head else 0
            head, self._held = head[:end], head[end:]
        if self._held and self._clock is None:
            self._start_clock()
        cleaned = _UPGRADE.sub(b"", head + b"\r\n")[:-2] if blank else _UPGRADE.sub(b"", head)
        if cleaned or blank:
            super().data_received(cleaned + blank + rest)
        if self._in_body and self._held:  # the headers ended with that, and what was held is the body's
            data, self._held = self._held, b""
            super().data_received(data)

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

    def on_body(self, body: bytes) -> None:
        """Count a part of a body, which has a limit of its own."""
        self._overhead = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the headers of the next request."""
        self._in_body = False
        self._overhead = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Watch that the caller reads: much of an answer waits for it."""
        super().pause_writing()
        self._watch_reading(-1)

    def resume_writing(self) -> None:
        """Stop watching: the caller has read nearly all."""
        super().resume_writing()
        self._stop_watching()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_clock()
        self._stop_watching()
        super().connection_lost(exc)

    def _watch_reading(self, before: int) -> None:
        """End the connection if as many bytes wait to be sent as `before`, else come back later."""
        waiting = self.transport.get_write_buffer_size()
        if waiting == before:
            self.transport.abort()
        else:
            self._reading = self.loop.call_later(self.patience, self._watch_reading, waiting)

    def _stop_watching(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _start_clock(self) -> None:
        self._clock = self.loop.call_later(self.patience, self.transport.close)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


def patient_protocol(seconds: float) -> type[asyncio.Protocol]:
    """Return a protocol that waits `seconds` for the headers of a request."""
    return type("PatientProtocol", (PatientProtocol,), {"patience": seconds})
