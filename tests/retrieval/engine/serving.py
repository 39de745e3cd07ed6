"""A server that answers as an engine would, or as what stands in front of one."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from resift.retrieval.engine.settings import ConnectionSettings

FAST = ConnectionSettings(max_retries=0, request_timeout=2.0)
ELASTIC = {"X-elastic-product": "Elasticsearch"}
INFO: dict[str, dict[str, Any]] = {
    "elasticsearch 8": {"version": {"number": "8.19.0"}, "tagline": "You Know, for Search"},
    "elasticsearch 7": {"version": {"number": "7.10.2"}, "tagline": "You Know, for Search"},
    "opensearch 2": {"version": {"number": "2.19.1", "distribution": "opensearch"}},
}


@contextmanager
def serving(
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
    seconds: float = 0.0,
    certificate: Path | None = None,
    trusted: Path | None = None,
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield the URL of a server that answers all alike, and the headers that it was sent."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            time.sleep(seconds)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if trusted:  # only who shows a certificate that it signed is let in
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(trusted)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
