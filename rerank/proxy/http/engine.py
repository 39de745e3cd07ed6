"""The engine's nodes: connections to them are kept open, spread over them, and turned away from those that are down."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from resift.rerank.proxy.http.address import NodeAddress
from resift.rerank.proxy.http.engine_connection import EngineConnection
from resift.rerank.proxy.http.messages import RequestHead, request_bytes
from resift.rerank.proxy.http.sockets import keep_alive
from resift.retrieval.engine.client_errors import NOT_TRUSTED

_LOG = logging.getLogger("resift.proxy")
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds for which a node that cannot be connected to is left out
_MOST_IDLE, _IDLE_SECONDS = 256, 50.0  # connections kept per node, and for how long: load balancers often close at 60

_OF_THIS_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)


@dataclass(slots=True, eq=False)
class Node:
    """A node with its open connections. `down_until`: the loop's time until which it is left out."""

    address: NodeAddress
    idle: deque[EngineConnection] = field(default_factory=deque)
    down_until: float = 0.0
    pause: float = _FIRST_PAUSE
    down: bool = False

    def take(self) -> EngineConnection | None:
        """Return an open connection that is not in use, None if there is not one."""
        oldest = asyncio.get_running_loop().time() - _IDLE_SECONDS
        while self.idle:
            connection = self.idle.pop()
            if connection.since < oldest:
                connection.abort()
            elif not connection.lost:
                return connection
        return None

    def take_back(self, connection: EngineConnection) -> None:
        """Keep a connection for the next request, and none that was not used for long."""
        connection.since = asyncio.get_running_loop().time()
        self.idle.append(connection)
        while len(self.idle) > _MOST_IDLE or self.idle[0].since < connection.since - _IDLE_SECONDS:
            self.idle.popleft().abort()

    def forget(self, connection: EngineConnection) -> None:
        """Take note that a connection is closed."""
        if connection.taker is None and connection in self.idle:
            self.idle.remove(connection)

    async def connect(self, seconds: float) -> EngineConnection:
        """Open a connection within `seconds`. Raises OSError (TimeoutError is one)."""
        loop = asyncio.get_running_loop()
        if self.down:
            self.down_until = loop.time() + seconds  # others leave it out while this request tries it
        try:
            connection = await self._open(seconds)
        except (OSError, UnicodeError) as error:
            self._failed(error)
            raise OSError(str(error)) from error
        if self.down:
            _LOG.info("a node is back", extra={"facts": {"node": self.address.authority.decode()}})
        self.down, self.down_until, self.pause = False, 0.0, _FIRST_PAUSE
        return connection

    def _failed(self, error: Exception) -> None:
        """Leave the node out for a while, unless the failure is not its own."""
        reason = str(error) or type(error).__name__
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"{NOT_TRUSTED} ({reason})"
        facts = {"node": self.address.authority.decode(), "error": reason}
        if isinstance(error, OSError) and error.errno in _OF_THIS_MACHINE:
            _LOG.error("no more connections can be opened", extra={"facts": facts})
            return
        if not self.down:
            _LOG.warning("a node cannot be reached", extra={"facts": facts})
        self.down, self.down_until = True, asyncio.get_running_loop().time() + self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)

    async def _open(self, seconds: float) -> EngineConnection:
        address = self.address
        name = address.host if address.tls is not None else None
        async with asyncio.timeout(seconds):
            transport, connection = await asyncio.get_running_loop().create_connection(
                lambda: EngineConnection(self), address.host, address.port, ssl=address.tls, server_hostname=name
            )
        if address.fingerprint is not None and address.fingerprint != _digest(transport):
            connection.abort()
            raise OSError("the node's certificate has another fingerprint")
        keep_alive(transport)
        return connection


class Engine:
    """The engine's nodes, and a connection to one of them for each request."""

    def __init__(self, addresses: Sequence[NodeAddress], connect_seconds: float = 5.0) -> None:
        """Spread requests over the nodes at `addresses`."""
        self.nodes = [Node(address) for address in addresses]
        self._connect_seconds = connect_seconds
        self._turn = 0

    def take(self) -> EngineConnection | None:
        """Return an open connection to the node whose turn it is, None if one must be opened."""
        found = self._in_order()[0].take()
        if found is not None:
            self._turn += 1
        return found

    async def connect(self) -> EngineConnection:
        """Return a new connection to the first node that takes one. Raises OSError if none does."""
        failure = OSError("there are no nodes")
        nodes = self._in_order()
        self._turn += 1
        for node in nodes:
            try:
                return await node.connect(self._connect_seconds)
            except OSError as error:
                failure = error
        raise failure

    def close(self) -> None:
        """Close the connections that are not in use."""
        for node in self.nodes:
            while (connection := node.take()) is not None:
                connection.abort()

    def _in_order(self) -> list[Node]:
        """Return the nodes: those that are up in turn, then those that are down, the one to try soonest first."""
        if len(self.nodes) == 1:
            return self.nodes
        turn = self._turn % len(self.nodes)
        now = asyncio.get_running_loop().time()
        turned = self.nodes[turn:] + self.nodes[:turn]
        return sorted(turned, key=lambda node: node.down_until if node.down_until > now else 0.0)


def _digest(transport: asyncio.BaseTransport) -> bytes:
    """Return the SHA-256 digest of the certificate of the other side."""
    certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return hashlib.sha256(certificate or b"").digest()


def head_for(connection: EngineConnection, head: RequestHead, length: int | None = None) -> bytes:
    """Return the head of a request as the node of `connection` gets it; `length` as in `request_bytes`."""
    address = connection.owner.address
    return request_bytes(head, address.authority, address.prefix, length)
