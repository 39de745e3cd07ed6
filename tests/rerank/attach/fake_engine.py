"""Small HTTP servers that answer as an engine does: one by a table of answers, one with Elasticsearch's inference API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

REFUSED = (403, {"error": {"type": "security_exception", "reason": "no permissions"}, "status": 403})
OPENSEARCH_ROOT = (200, {"version": {"number": "2.19.1", "distribution": "opensearch"}})


class FakeEngine:
    """Answers by a table, "METHOD /path" -> (status, JSON); others get `otherwise`. `seen` has all requests."""

    def __init__(self, answers: Mapping[str, tuple[int, Any]], otherwise: tuple[int, Any] = REFUSED) -> None:
        self.answers, self.otherwise = answers, otherwise
        self.seen: list[tuple[str, str, Any]] = []

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Return status and JSON of the answer."""
        return self.answers.get(f"{method} {path}", self.otherwise)


class FakeInference(FakeEngine):
    """Elasticsearch with the inference API, as its specification says: an endpoint calls its service when created."""

    def __init__(
        self, licence: str = "trial", kinds: tuple[str, ...] = ("hugging_face",), version: str = "8.19.0"
    ) -> None:
        root = (200, {"version": {"number": version}})
        licences = (200, {"license": {"type": licence, "status": "active"}})
        super().__init__({"GET /": root, "GET /_license": licences}, (404, {"error": "not found"}))
        self.kinds = kinds
        self.endpoints: dict[str, dict[str, Any]] = {}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        name = path.rpartition("/")[2]
        if not path.startswith("/_inference/rerank/"):
            return super().answer(method, path, body)
        if method == "PUT":
            if body["service"] not in self.kinds:
                return 400, {"error": {"type": "status_exception", "reason": f"Unknown service [{body['service']}]"}}
            status, found = call(body, "test query", ["how big"])
            if status == 200:
                self.endpoints[name] = body
            return status, found
        if name == "_all":
            return 200, {"endpoints": []}
        if name not in self.endpoints:
            return 404, {"error": {"type": "resource_not_found_exception", "reason": name}}
        if method == "POST":
            return call(self.endpoints[name], body["query"], body["input"])
        if method == "DELETE":
            del self.endpoints[name]
            return 200, {"acknowledged": True}
        known = self.endpoints[name]
        settings = {"url": known["service_settings"]["url"]}
        return 200, {"endpoints": [{"inference_id": name, "service": known["service"], "service_settings": settings}]}


def call(endpoint: Mapping[str, Any], query: str, texts: list[str]) -> tuple[int, Any]:
    """Call the service as hugging_face, openshift_ai and custom do, and return what the inference API answers."""
    settings = endpoint["service_settings"]
    key = settings.get("api_key") or settings["secret_parameters"]["api_key"]
    member = "texts" if endpoint["service"] == "hugging_face" else "documents"
    sent: dict[str, Any] = {"query": query, member: texts}
    if endpoint["service"] == "custom":
        filled = settings["request"].replace("${input}", json.dumps(texts)).replace("${query}", json.dumps(query))
        sent = json.loads(filled)
    reply = httpx.post(settings["url"], json=sent, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    if reply.status_code != 200:
        return reply.status_code, {"error": {"type": "status_exception", "reason": reply.text}}
    rows = reply.json() if member == "texts" else reply.json()["results"]
    found = [{"index": row["index"], "relevance_score": row.get("score", row.get("relevance_score"))} for row in rows]
    return 200, {"rerank": found}


@contextmanager
def serving(engine: FakeEngine) -> Iterator[str]:
    """Yield the URL at which `engine` answers."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(text) if text else None
            path = self.path.partition("?")[0]
            engine.seen.append((self.command, path, body))
            status, found = engine.answer(self.command, path, body)
            content = json.dumps(found).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
