"""A test server that responds like an engine, or like a proxy in front of one."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
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


Respond = Callable[[str, str, bytes], tuple[int, bytes]]
"""Maps a request's method, path and body to the status and the body of the response."""


@contextmanager
def scripted(respond: Respond) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the URL of a server that responds to each request by `respond`, and the list of (method, path) so far."""
    seen: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            seen.append((self.command, path))
            status, body = respond(self.command, path, sent)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = respond

        def log_message(self, *_: object) -> None:
            pass

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}", seen


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[int]:
    """Run `server` in a thread and yield its port."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def serving(
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
    seconds: float = 0.0,
    certificate: Path | None = None,
    trusted: Path | None = None,
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield the URL of a server that gives the same response to all requests, and the list of request headers."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            time.sleep(seconds)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = respond

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        server.socket = tls_context(certificate, trusted).wrap_socket(server.socket, server_side=True)
    with running(server) as port:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}", seen


def tls_context(certificate: Path, trusted: Path | None) -> ssl.SSLContext:
    """Return a server's TLS context; with `trusted`, clients must show a certificate that it signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if trusted:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusted)
    return context
