"""A proxy that forwards requests to an engine and records them."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Request = tuple[str, str]
"""Method and path."""
Tamper = Callable[[str, int, bytes], bytes | None]


@contextmanager
def recording(engine: str, tamper: Tamper = lambda path, number, data: data) -> Iterator[tuple[str, list[Request]]]:
    """Yield the proxy's URL and the list of requests, which grows with each.

    `tamper` maps a request's path, its number from 1, and the engine's response to the response that is sent; None
    closes the connection without one, after the engine has done its work.
    """
    seen: list[Request] = []

    class Handler(Proxy):
        def respond(self) -> None:
            path = self.path.partition("?")[0]
            seen.append((self.command, path))
            status, fields, data = self.forward(engine)
            changed = tamper(path, len(seen), data)
            if changed is None:
                self.close_connection = True
            else:
                self.reply(status, fields, changed)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = respond

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Proxy(BaseHTTPRequestHandler):
    """Forwards a request to an engine, and replies with a response."""

    protocol_version = "HTTP/1.1"

    def forward(self, engine: str) -> tuple[int, Message, bytes]:
        """Return the status, the headers and the body of the engine's response."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if self.headers[name]}
        request = urllib.request.Request(engine + self.path, body, headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def reply(self, status: int, fields: Message, data: bytes) -> None:
        self.send_response(status)
        for name in ("Content-Type", "X-elastic-product"):
            if fields.get(name):
                self.send_header(name, fields[name])
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass
