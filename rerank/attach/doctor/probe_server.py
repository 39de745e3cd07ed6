"""A small service whose replies can be chosen, with which the doctor finds out what an engine makes of each."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the stub answers: a `status`, the `scores` of the first documents as JSON, after some `seconds`.

    `best_first`: the results are sorted by score, as most services sort them.
    """

    scores: Sequence[str] = ("0.25", "0.75")
    status: int = 200
    seconds: float = 0.0
    best_first: bool = False

    def body(self) -> bytes:
        """Return the JSON of the reply."""
        if self.status != 200:
            return json.dumps({"error": f"status {self.status} for a probe", "error_type": "probe"}).encode()
        places = list(range(len(self.scores)))
        if self.best_first:
            places.sort(key=lambda place: -float(self.scores[place]))
        rows = [f'{{"index": {place}, "relevance_score": {self.scores[place]}}}' for place in places]
        return f'{{"results": [{", ".join(rows)}]}}'.encode()


@dataclass(slots=True)
class Stub:
    """A running stub: its `url`, its present `behaviour`, and how many requests it got."""

    url: str
    behaviour: Behaviour = field(default_factory=Behaviour)
    requests: int = 0
    closed: threading.Event = field(default_factory=threading.Event)
    stop: Any = None

    def close(self) -> None:
        """Stop listening."""
        if not self.closed.is_set():
            self.closed.set()
            self.stop()


@contextmanager
def stub_service(host: str) -> Iterator[Stub]:
    """Run a stub on a free port of the address `host` until the block ends. Raises OSError if it cannot listen."""
    server = _Server((host, 0), _Handler)
    shown = f"[{host}]" if ":" in host else host
    stub = Stub(f"http://{shown}:{server.server_port}/v1/rerank")
    server.stub = stub
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    stub.stop = stop
    try:
        yield stub
    finally:
        stub.close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    stub: Stub

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the signature of the base
        """Say nothing of callers that hang up, as an engine does at its time limit."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:  # noqa: N802 - the name that the base class calls
        """Answer as the stub's behaviour says."""
        stub = self.server.stub
        behaviour = stub.behaviour
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        stub.requests += 1
        ends = time.monotonic() + behaviour.seconds
        while time.monotonic() < ends and not stub.closed.is_set():
            time.sleep(0.05)
        content = behaviour.body()
        self.send_response(behaviour.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the signature of the base
        """Write no log."""


def own_address(engine: str) -> str:
    """Return the address of this machine at which the host of the URL `engine` would reach it.

    127.0.0.1 if the engine is on this machine, or no way to it is known.
    """
    parts = urlsplit(engine.partition(",")[0])
    try:
        [(family, _, _, _, target), *_] = socket.getaddrinfo(parts.hostname, parts.port or 9200, type=socket.SOCK_DGRAM)
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(target)  # sends nothing
            return str(probe.getsockname()[0])
    except OSError:
        return "127.0.0.1"
