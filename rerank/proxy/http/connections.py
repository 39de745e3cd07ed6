"""What all connections from callers share: who takes their requests, how many there are, and how long they may wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from resift.rerank.proxy.http.exchange import Exchange, Receiver

Accept = Callable[[Exchange], Receiver]
"""Takes a request whose head was read, and returns what receives its body."""


class Swept(Protocol):
    """A connection as its sweeper sees it."""

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""

    @property
    def busy(self) -> bool:
        """Whether a request is under way, or a part of a response is not sent."""

    def sweep(self, now: float) -> None:
        """Close the connection if nothing happened for too long; `now` is the loop's time."""

    def close(self) -> None:
        """Close the connection when everything is written."""

    def abort(self) -> None:
        """Cut the connection."""


@dataclass(slots=True)
class Connections:
    """All connections from callers.

    `accept` takes their requests; `most` may be open at once. `idle_seconds`: without a request. `receive_seconds`: for
    a whole head, and between two parts of a body. `send_seconds`: in which the caller takes nothing of a response.
    `closing`: each response is the last of its connection. `closed`: a connection that is idle is closed.
    """

    accept: Accept
    most: int = 10_000
    idle_seconds: float = 3600.0
    receive_seconds: float = 60.0
    send_seconds: float = 300.0
    open: set[Swept] = field(default_factory=set)
    closing: bool = False
    closed: bool = False

    def add(self, connection: Swept) -> bool:
        """Take a connection; returns False if there are too many."""
        if len(self.open) >= self.most or self.closed:
            return False
        self.open.add(connection)
        return True

    def sweep(self, now: float) -> None:
        """Close connections that did nothing for too long; `now` is the loop's time."""
        for connection in list(self.open):
            connection.sweep(now)

    def close_idle(self) -> None:
        """Close the connections that have no request under way; the others close after their response."""
        self.closing = self.closed = True
        for connection in list(self.open):
            if connection.idle:
                connection.close()

    @property
    def busy(self) -> int:
        """How many connections have a request under way, or a part of a response that is not sent."""
        return sum(one.busy for one in self.open)
