"""Options of the sockets of the proxy."""

from __future__ import annotations

import asyncio
import contextlib
import socket

_IDLE, _BETWEEN, _TIMES = 60, 15, 4  # seconds without data, seconds between two probes, probes without an answer


def keep_alive(transport: asyncio.BaseTransport) -> None:
    """Have the system find out whether the other machine is still there, so that a lost one ends the connection."""
    made = transport.get_extra_info("socket")
    if made is None:
        return
    with contextlib.suppress(OSError, AttributeError):  # not a TCP connection, or a system without these options
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _BETWEEN)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _TIMES)
