"""Certificates of a test's own authority, valid ones and expired ones, as PEM files."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import trustme

EXPIRED = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


class Authority:
    """An authority, and the files that it signs in `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.authority = trustme.CA(organization_name=name)
        self.path = folder / f"{name}.ca.pem"
        self.authority.cert_pem.write_to_path(str(self.path))

    def server(self, name: str = "server", expired: bool = False) -> tuple[Path, Path]:
        """Return the files of a new certificate for 127.0.0.1: the certificate, and its private key."""
        return self._written(name, "127.0.0.1", expired)

    def client(self, name: str = "client", expired: bool = False) -> tuple[Path, Path]:
        """Return the files of a new certificate for a caller."""
        return self._written(name, f"{name}@example.org", expired)

    def context(self, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """Return the context of a caller who trusts this authority alone, and shows the certificate `client`."""
        context = ssl.create_default_context(cafile=str(self.path))
        if client is not None:
            context.load_cert_chain(*map(str, client))
        return context

    def _written(self, name: str, identity: str, expired: bool) -> tuple[Path, Path]:
        until = EXPIRED if expired else None
        since = EXPIRED - datetime.timedelta(days=30) if expired else None
        issued = self.authority.issue_cert(identity, not_before=since, not_after=until)
        certificate, key = (self.folder / f"{self.name}.{name}.{kind}.pem" for kind in ("cert", "key"))
        certificate.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())
        return certificate, key
