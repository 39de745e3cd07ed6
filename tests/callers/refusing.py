"""A service that is overloaded when it is first called."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Refusing(BaseHTTPRequestHandler):
    """Answers 429 with Retry-After: 1 until nearly a second has passed; then the documents in the reverse order."""

    seen: list[dict[str, str]]
    until: float | None

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        if self.until is None:
            type(self).until = time.monotonic() + 0.9
        busy = self.until is None or time.monotonic() < self.until
        self.answer({"message": "busy"} if busy else reply(body["documents"]), 429 if busy else 200)

    def answer(self, value: dict[str, Any], status: int) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def reply(documents: list[str]) -> dict[str, Any]:
    places = reversed(range(len(documents)))
    return {
        "results": [
            {"index": place, "relevance_score": place / 100 + 0.01, "document": {"text": documents[place]}}
            for place in places
        ]
    }


@contextmanager
def refusing_service() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yields the URL of the service, and the headers of the requests that came so far."""
    handler = type("Handler", (Refusing,), {"seen": [], "until": None})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler.seen  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()
