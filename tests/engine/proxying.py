"""Run `resift proxy` before an engine as a process of its own, and compare what it answers with the engine itself."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

WAIT = 90.0
"""Seconds until a proxy must be ready, on a machine that is busy with other tests."""

PATIENT = ("--search-deadline-ms", "30000")
"""For tests of the order: a busy machine is slow."""

_NOT_COMPARED = {"content-length", "transfer-encoding", "x-resift", "connection", "date", "task_resource_usage"}
_CHANGING = [
    (rb'("took(?:_in_millis)?" ?: ?)\d+', rb"\g<1>0"),
    (rb"(took(?:_in_millis)?: )\d+", rb"\g<1>0"),
    (rb'("(?:uuid|index_uuid)" ?: ?")[\w-]{22}"', rb'\g<1>"'),
    (rb"(\[[\w-]+/)[\w-]{22}\]", rb"\g<1>]"),
    (rb"(context found for id \[)\d+", rb"\g<1>0"),
    (rb'("(?:start|expiration|completion)_time_in_millis" ?: ?)\d+', rb"\g<1>0"),
    (rb'("(?:creation_date|creation_time)" ?: ?"?)\d+', rb"\g<1>0"),
    (rb'("(?:_scroll_id|pit_id|id|task|_id)" ?: ?")[\w+/=:-]{20,}"', rb'\g<1>"'),
    (rb'("(?:timestamp|time)" ?: ?")\d{4}-[^"]*"', rb'\g<1>"'),
]


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; `headers` in the order in which they came, with names in lower case."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return ", ".join(value for one, value in self.headers if one == name)

    @property
    def treatment(self) -> str:
        return self.header("x-resift")

    def json(self) -> Any:
        return json.loads(self.body)

    def comparable(self, numbers: bool = False) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return the response without what differs between two equal requests; `numbers`: without any number."""
        body = gzip.decompress(self.body) if self.header("content-encoding") == "gzip" else self.body
        for pattern, other in _CHANGING:
            body = re.sub(pattern, other, body)
        if numbers:
            body = re.sub(rb" +", b" ", re.sub(rb"\d+(?:\.\d+)?(?:[kmg]?b|ms|micros|nanos|[smhd%])?\b", b"0", body))
        headers = sorted(
            (name, value)
            for name, value in self.headers
            if name not in _NOT_COMPARED and not value.startswith("299 OpenSearch")  # it gives each warning once
        )
        return self.status, [(name, re.sub(r"[\w-]{20,}", "", value)) for name, value in headers], body


def ask(url: str, method: str, target: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Send one request on a connection of its own; a body that is not bytes is sent as JSON."""
    parts = urlsplit(url)
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    given = {"Content-Type": "application/json"} if data else {}
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=WAIT)
    try:
        connection.request(method, target, data, {**given, **(headers or {})})
        response = connection.getresponse()
        return Answer(
            response.status, [(name.lower(), value) for name, value in response.getheaders()], response.read()
        )
    finally:
        connection.close()


class Recorder:
    """In the place of the urllib3 pool of an official client: it keeps the last response as it came."""

    def __init__(self, pool: Any, seen: list[Answer]) -> None:
        self._pool, self._seen = pool, seen

    def urlopen(self, *args: Any, **options: Any) -> Any:
        found = self._pool.urlopen(*args, **options)
        headers = [(name.lower(), value) for name, value in found.headers.items()]
        self._seen.append(Answer(found.status, headers, found.data or b""))
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


@dataclass
class RunningProxy:
    """A proxy that runs: its address for applications, that for administrators, and the lines of its log."""

    process: subprocess.Popen[str]
    url: str
    admin: str
    lines: list[str] = field(default_factory=list)

    def wait_until_ready(self) -> None:
        ends = time.monotonic() + WAIT
        while time.monotonic() < ends:
            if self.process.poll() is not None:
                raise AssertionError(f"the proxy ended with {self.process.returncode}: {self.lines}")
            if self.state().get("ready"):
                return
            time.sleep(0.05)
        raise AssertionError(f"the proxy was not ready within {WAIT} s: {self.lines}")

    def state(self) -> dict[str, Any]:
        """Return what /ready shows, empty if nothing listens yet."""
        try:
            found: dict[str, Any] = ask(self.admin, "GET", "/ready").json()
        except OSError:
            return {}
        return found

    def switch(self, **wanted: object) -> Answer:
        return ask(self.admin, "PUT", "/switch", wanted, {"X-Resift-Admin": "1"})

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all its samples that have these labels."""
        text = ask(self.admin, "GET", "/metrics").body.decode()
        lines = [line for line in text.splitlines() if re.match(rf"{name}[ {{]", line)]
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(one in line for one in wanted))

    def read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())


@contextmanager
def started_proxy(engine: str, *options: str, model: str = "resift-tiny") -> Iterator[RunningProxy]:
    """Run `resift proxy` before `engine` until the block ends; yields it at once."""
    ports = [_free_port(), _free_port()]
    addresses = ["--listen", f"127.0.0.1:{ports[0]}", "--admin", f"127.0.0.1:{ports[1]}"]
    command = [sys.executable, "-m", "resift", "proxy", "--to", engine, *addresses, "--log-format", "json"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RESIFT_")}
    process = subprocess.Popen(
        [*command, "--model", model, "--threads", "1", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=variables,
    )
    running = RunningProxy(process, f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}")
    reader = threading.Thread(target=running.read, daemon=True)
    reader.start()
    try:
        yield running
    finally:
        process.kill()
        process.wait()
        reader.join(5)
        assert process.stderr is not None
        process.stderr.close()


@contextmanager
def running_proxy(engine: str, *options: str, model: str = "resift-tiny") -> Iterator[RunningProxy]:
    """Run `resift proxy` before `engine` until the block ends; yields it when it is ready."""
    with started_proxy(engine, *options, model=model) as running:
        running.wait_until_ready()
        yield running


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


VERBS = ["clean", "repair", "paint", "sell", "buy", "move", "open", "close", "store", "measure", "insure", "replace"]
THINGS = ["oven", "roof", "bicycle", "garden gate", "kitchen window", "boat", "piano", "lamp", "car", "clock", "bed"]
PLACES = ["at home", "in the workshop", "before winter", "without tools", "with a friend"]


def advice() -> dict[str, dict[str, object]]:
    """Return 132 documents by id: how to do each of 12 things with each of 11 objects; all of them have "the"."""
    pairs = [(verb, thing) for verb in VERBS for thing in THINGS]
    return {
        f"d{n}": {
            "title": f"{verb.capitalize()} the {thing}",
            "text": f"How you {verb} the {thing} {PLACES[n % 5]}. {'Take your time. ' * (n % 4)}Ask the owner first.",
            "kind": "abc"[n % 3],
            "n": n,
        }
        for n, (verb, thing) in enumerate(pairs)
    }


@contextmanager
def advice_index(engine: str, name: str, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """Create an index of `advice` with two shards until the block ends; yields its name."""
    text = {"type": "text"}
    properties = {"title": text, "text": text, "kind": {"type": "keyword", "store": True}, "n": {"type": "integer"}}
    settings = {"number_of_shards": 2, "number_of_replicas": 0}
    made = ask(engine, "PUT", f"/{name}", {"settings": settings, "mappings": {"properties": properties}}, headers)
    assert made.status == 200, made
    lines = [json.dumps(line) for key, one in advice().items() for line in ({"index": {"_id": key}}, one)]
    done = ask(engine, "POST", f"/{name}/_bulk?refresh=true", "\n".join([*lines, ""]).encode(), headers)
    assert not done.json()["errors"]
    try:
        yield name
    finally:
        ask(engine, "DELETE", f"/{name}", None, headers)
