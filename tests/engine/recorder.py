"""A proxy that passes requests on to an engine, remembers them, and can turn some of them away as a full one does."""

from __future__ import annotations

import itertools
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REJECTED = {"index": {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue is full"}}}


@contextmanager
def recording(engine: str, full: bool = False) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the proxy's URL and the list of (method, path) that grows with each request.

    `full`: of three bulk requests one goes through, one is refused as a whole (429), and of one every second
    document is refused (429 each), as a write queue of size 1 does.
    """
    seen: list[tuple[str, str]] = []
    bulks = itertools.count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            seen.append((self.command, self.path.partition("?")[0]))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if self.headers[name]}
            turn = next(bulks) % 3 if full and self.path.partition("?")[0].endswith("/_bulk") else 0
            if turn == 1:
                self.reply(429, {"Content-Type": "application/json", "X-elastic-product": "Elasticsearch"}, b"{}")
                return
            lines = (body or b"").split(b"\n")[:-1]
            places = [place for place in range(len(lines) // 2) if turn == 0 or place % 2 == 0]
            if turn == 2:
                body = b"".join(b"%b\n%b\n" % (lines[2 * place], lines[2 * place + 1]) for place in places)
            request = urllib.request.Request(engine + self.path, body, headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    status, fields, data = answer.status, answer.headers, answer.read()
            except urllib.error.HTTPError as error:
                status, fields, data = error.code, error.headers, error.read()
            if turn == 2 and status == 200:
                answer = json.loads(data)
                given = dict(zip(places, answer["items"], strict=True))
                items = [given.get(place, REJECTED) for place in range(len(lines) // 2)]
                data = json.dumps({**answer, "errors": True, "items": items}).encode()
            self.reply(status, fields, data)

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
