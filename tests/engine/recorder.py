"""A proxy that passes requests on to an engine and remembers them."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Request = tuple[str, str]
"""Method and path."""
Tamper = Callable[[str, int, bytes], bytes | None]


@contextmanager
def recording(engine: str, tamper: Tamper = lambda path, number, data: data) -> Iterator[tuple[str, list[Request]]]:
    """Yield the proxy's URL and the list of requests, which grows with each.

    `tamper` is given a request's path, its number and the engine's answer, and returns what is answered; None: nothing
    is, and the connection is cut after the engine has done its work.
    """
    seen: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            seen.append((self.command, self.path.partition("?")[0]))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if self.headers[name]}
            request = urllib.request.Request(engine + self.path, body, headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    status, fields, data = answer.status, answer.headers, answer.read()
            except urllib.error.HTTPError as error:
                status, fields, data = error.code, error.headers, error.read()
            changed = tamper(self.path.partition("?")[0], len(seen), data)
            if changed is None:
                self.close_connection = True
                return
            self.reply(status, fields, changed)

        def reply(self, status: int, fields: Mapping[str, str], data: bytes) -> None:
            self.send_response(status)
            for name in ("Content-Type", "X-elastic-product"):
                if fields.get(name):
                    self.send_header(name, fields[name])
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
