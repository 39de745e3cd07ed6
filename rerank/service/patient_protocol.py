"""Uvicorn's protocol with a time limit for the headers of a request: callers who never finish them are cut off."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


def patient_protocol(seconds: float) -> type[asyncio.Protocol]:
    """Return a protocol that closes a connection whose request line and headers take more than `seconds`."""

    class PatientProtocol(HttpToolsProtocol):
        """Starts a clock when a connection opens and when a request begins on it, and stops it after the headers."""

        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as in uvicorn
            super().connection_made(transport)
            self._start_clock()

        def on_message_begin(self) -> None:
            if self._clock is None:
                self._start_clock()
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._stop_clock()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clock()
            super().connection_lost(exc)

        def _start_clock(self) -> None:
            self._clock = self.loop.call_later(seconds, self.transport.close)

        def _stop_clock(self) -> None:
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None

    return PatientProtocol
