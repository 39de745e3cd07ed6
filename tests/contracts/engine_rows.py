"""Places in a live search engine: over http, over https behind a proxy with TLS, and by a Cloud ID."""

from __future__ import annotations

import base64
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from resift.retrieval.engine.settings import ConnectionSettings, OpenOptions
from resift.retrieval.types import Document
from tests.contracts.place import FIELDS, Place
from tests.contracts.tls_proxy import tls_proxy
from tests.engine.engines import PORTS, STAGED, ask, running, staged

_MAPPINGS = {
    "properties": {
        "title": {"type": "text"},
        "text": {"type": "text"},
        "year": {"type": "integer"},
        "tags": {"type": "keyword"},
    }
}


class Engines:
    """Starts each engine at its first use; `stack` stops them."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.started: dict[str, str] = {}

    def url(self, flavour: str) -> str:
        """Return the URL of a running engine; skip the test, with a reason, if none is available."""
        if flavour not in self.started:
            self.started[flavour] = self.stack.enter_context(_engine(flavour))
        return self.started[flavour]


def _engine(flavour: str) -> AbstractContextManager[str]:
    """Run an engine; a staged one on another port than that of tests/engine, which may run at the same time."""
    if STAGED.exists() and not os.environ.get(f"RESIFT_TEST_{flavour.upper()}"):
        return staged(flavour, PORTS[flavour] + 1)
    return running(flavour)


@contextmanager
def _searched(engine: str, url: str, connection: ConnectionSettings | None = None) -> Iterator[Place]:
    """Yield the place of the first stage in `engine`; `url` is the URL of an index up to the index's name."""
    names: list[str] = []

    def write(documents: Sequence[Document]) -> str:
        name = f"contract-{uuid.uuid4().hex[:10]}"
        names.append(name)
        ask("PUT", f"{engine}/{name}", {"mappings": _MAPPINGS})
        for document in documents:
            source = {"title": document.title, "text": document.text, **document.fields}
            ask("PUT", f"{engine}/{name}/_doc/{quote(document.doc_id, safe='')}", source)
        ask("POST", f"{engine}/{name}/_refresh")
        return url + name

    def spoil(index_url: str) -> None:
        name = index_url.removeprefix(url)
        names.remove(name)
        ask("DELETE", f"{engine}/{name}")

    try:
        yield Place(write, spoil, f"{url}missing", OpenOptions(connection or ConnectionSettings(), fields=FIELDS))
    finally:
        for name in names:
            ask("DELETE", f"{engine}/{name}")


def plain(flavour: str) -> Callable[[Engines, Path], AbstractContextManager[Place]]:
    """Return the factory of the scheme http."""

    @contextmanager
    def place(engines: Engines, folder: Path) -> Iterator[Place]:
        engine = engines.url(flavour)
        with _searched(engine, f"{engine}/") as found:
            yield found

    return place


def encrypted(flavour: str) -> Callable[[Engines, Path], AbstractContextManager[Place]]:
    """Return the factory of the scheme https."""

    @contextmanager
    def place(engines: Engines, folder: Path) -> Iterator[Place]:
        engine = engines.url(flavour)
        with tls_proxy(engine, _certificate(folder)) as port:
            trusted = ConnectionSettings(ca_certs=str(folder / "certificate.pem"))
            with _searched(engine, f"https://127.0.0.1:{port}/", trusted) as found:
                yield found

    return place


@contextmanager
def cloud(engines: Engines, folder: Path) -> Iterator[Place]:
    """Yield the place of the scheme cloud, which only Elasticsearch has."""
    engine = engines.url("elasticsearch")
    with tls_proxy(engine, _certificate(folder)) as port:
        trusted = ConnectionSettings(cloud_id=cloud_id(port), ca_certs=str(folder / "certificate.pem"))
        with _searched(engine, "cloud:", trusted) as found:
            yield found


def cloud_id(port: int) -> str:
    """Return the Cloud ID of https://127.0.0.1:PORT; the client reads FIRST:PORT$SECOND as https://SECOND.FIRST:PORT."""
    return "here:" + base64.b64encode(f"0.0.1:{port}$127".encode()).decode()


def _certificate(folder: Path) -> Path:
    """Write certificate.pem, a certificate for 127.0.0.1, and return the file that has its key as well."""
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(
        ["openssl", "req", "-x509", *curve, "-nodes", "-days", "2", *subject, *files], check=True, capture_output=True
    )
    both = folder / "server.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "certificate.pem").read_text())
    return both
