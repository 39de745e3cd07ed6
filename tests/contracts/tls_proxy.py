"""A proxy with TLS in front of an engine that has none."""

from __future__ import annotations

import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

from tests.engine.recorder import Proxy

_FORWARDED = ("Content-Type", "Content-Encoding", "Accept")


@contextmanager
def tls_proxy(engine: str, certificate: Path) -> Iterator[int]:
    """Yield the port of a proxy that forwards https requests to `engine`, a URL; `certificate` has a key as well."""

    class Handler(Proxy):
        disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            headers = {name: self.headers[name] for name in _FORWARDED if self.headers[name]}
            request = urllib.request.Request(engine + self.path, body, headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    self.reply(answer.status, answer.headers, answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    self.reply(error.code, error.headers, error.read())

        do_GET = do_POST = respond

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
