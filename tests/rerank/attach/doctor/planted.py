"""A rerank service with a mistake of one's choice: it scores by shared words, and answers as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Manner:
    """How the service answers: `score` is a format of a float; `keep` documents at most; after `seconds`.

    `key`: what callers must send, "" for none. `shape`: "results", or "array" for a bare array. `by_place`: scores by the
    place in the request, as a service does whose reply has no order of its own. `most`: documents of a request.
    `scored`: the documents that the header X-Resift-Scored says were scored, None for no such header.
    """

    score: str = "{:.4f}"
    keep: int = 10_000
    seconds: float = 0.0
    key: str = ""
    shape: str = "results"
    by_place: bool = False
    most: int = 10_000
    scored: int | None = None

    def reply(self, query: str, texts: list[str]) -> str:
        words = set(query.lower().split())
        shared = [len(words & set(text.lower().rstrip(".").split())) / (1 + len(words)) for text in texts]
        scores = [1 / (2 + place) for place in range(len(texts))] if self.by_place else shared
        order = sorted(range(len(texts)), key=lambda place: -scores[place])[: self.keep]
        rows = [f'{{"index": {place}, "relevance_score": {self.score.format(scores[place])}}}' for place in order]
        return f"[{', '.join(rows)}]" if self.shape == "array" else f'{{"results": [{", ".join(rows)}]}}'


@contextmanager
def planted_service(manner: Manner | None = None) -> Iterator[str]:
    """Yield the URL of a service that answers in a manner."""
    how = manner or Manner()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            texts = body.get("documents") or body.get("texts") or []
            time.sleep(how.seconds)
            if how.key and self.headers.get("Authorization") != f"Bearer {how.key}":
                self.answer(401, '{"error": "the key is not known"}')
            elif len(texts) > how.most:
                self.answer(413, '{"error": "too many documents"}')
            else:
                self.answer(200, how.reply(body["query"], texts))

        def do_GET(self) -> None:
            self.answer(404, '{"error": "no such path"}')

        def answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if how.scored is not None:
                self.send_header("X-Resift-Scored", f"{how.scored}/1000")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: Any) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *error: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
