"""The address of one node of the engine."""

from __future__ import annotations

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """One node of the engine.

    `prefix`: a path before that of every request. `tls`: None for plain HTTP. `fingerprint`: the SHA-256 digest of the
    node's certificate, which is checked if it is given.
    """

    host: str
    port: int
    prefix: bytes = b""
    tls: ssl.SSLContext | None = None
    fingerprint: bytes | None = None

    @property
    def authority(self) -> bytes:
        """The value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}".encode()
