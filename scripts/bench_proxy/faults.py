"""Searches under load while the scorer is killed, frozen or slow, a node is killed, or the proxy is replaced."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from ..bench_serve.figures import percentile, say, table
from .load import Load, Reply, Sender
from .processes import HOST, free_port, proxy, service

FAULTS = ("none", "killed", "frozen", "slow", "node-killed", "restarted")
_SLOW = 5.0  # seconds by which the slow scorer is late


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured; see the options of the command."""

    engines: str
    index: str
    queries: str
    field: str
    rate: float
    seconds: float
    deadline: int
    model: str
    only: tuple[str, ...] = ()
    kill_node: str | None = None
    start_node: str | None = None

    def load(self, urls: list[str]) -> Load:
        """Return the searches that are sent."""
        texts = Path(self.queries).read_text(encoding="utf-8").splitlines()
        bodies = [
            json.dumps({"query": {"match": {self.field: text}}, "_source": ["title"]}) for text in texts if text.strip()
        ]
        return Load(urls, f"/{self.index}/_search", bodies, self.seconds, self.rate)

    @property
    def nodes(self) -> list[str]:
        """The addresses of the nodes."""
        first, *others = self.engines.split(",")
        return [first, *(one if "://" in one else f"http://{one}" for one in others)]


def measure(setting: Setting) -> str:
    """Return a table with a line for each fault, before and after it, and one for the engine without a proxy."""
    rows = [_row("no proxy", "", Sender(setting.load(setting.nodes[-1:])).replies())]
    for fault in setting.only or FAULTS:
        if fault == "node-killed" and not (setting.kill_node and setting.start_node):
            continue
        say(fault)
        before, after = _MEASURES.get(fault, _with_scorer)(setting, fault)
        rows += [_row(fault, "before", before)] if before else []
        rows.append(_row(fault, "after" if before else "", after))
    head = ["fault", "", "searches", "failed", "median, ms", "95 %, ms", "longest, ms", "X-Resift"]
    return f"50 connections, {setting.rate:g} searches a second, deadline {setting.deadline} ms\n\n{table(head, rows)}"


def _row(fault: str, when: str, replies: list[Reply]) -> list[object]:
    times = [reply.seconds * 1000 for reply in replies]
    failed = sum(reply.status != 200 or reply.hits < 0 for reply in replies)
    labels = Counter(_short(reply.label) for reply in replies if reply.label)
    shown = ", ".join(f"{round(100 * count / len(replies))} % {label}" for label, count in labels.most_common(4))
    shares = [f"{percentile(times, part):.0f}" for part in (0.5, 0.95, 1.0)]
    return [fault, when, len(replies), failed, *shares, shown]


def _short(label: str) -> str:
    return "partial" if label.startswith("partial") else label.removeprefix("passed through: ")


def _split(replies: list[Reply], at: float) -> tuple[list[Reply], list[Reply]]:
    return [one for one in replies if one.at < at], [one for one in replies if one.at >= at]


def _with_scorer(setting: Setting, fault: str) -> tuple[list[Reply], list[Reply]]:
    """Break the rerank service behind the proxy after a quarter of the time."""
    with service(["--model", setting.model]) as (scorer, process), _slowed(scorer) as (address, slow):
        options = ["--model", address, "--search-deadline-ms", str(setting.deadline)]
        with proxy(setting.engines, setting.index, options) as (url, _):
            sender = Sender(setting.load([url]))
            at = setting.seconds / 4
            time.sleep(at)
            breaks: dict[str, Callable[[], object]] = {
                "none": lambda: None,
                "killed": process.kill,
                "frozen": lambda: process.send_signal(signal.SIGSTOP),
                "slow": slow.set,
            }
            breaks[fault]()
            replies = sender.replies()
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
    return _split(replies, at)


@contextlib.contextmanager
def _slowed(scorer: str) -> Iterator[tuple[str, threading.Event]]:
    """Yield the address of a server that passes requests to `scorer`, and an event that makes it slow."""
    slow = threading.Event()
    server = ThreadingHTTPServer((HOST, 0), lambda *given: _Slowed(scorer, slow, *given))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}", slow
    finally:
        server.shutdown()
        server.server_close()


class _Slowed(BaseHTTPRequestHandler):
    """Passes requests on; while `slow` is set, only after some seconds."""

    protocol_version = "HTTP/1.1"

    def __init__(self, scorer: str, slow: threading.Event, *given: Any) -> None:  # noqa: ANN401 - as the base has it
        self._scorer, self._slow = scorer, slow
        super().__init__(*given)

    def do_GET(self) -> None:
        self._pass(None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._slow.is_set():
            time.sleep(_SLOW)
        self._pass(body)

    def _pass(self, body: bytes | None) -> None:
        request = Request(self._scorer + self.path, body, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=60) as response:
                status, content = response.status, response.read()
        except OSError:
            status, content = 503, b"{}"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _node_killed(setting: Setting, _: str) -> tuple[list[Reply], list[Reply]]:
    """Kill a node of the engine; the searches of an application that knows the others are sent in the same time."""
    assert setting.kill_node is not None and setting.start_node is not None
    options = ["--model", setting.model, "--search-deadline-ms", str(setting.deadline)]
    with proxy(setting.engines, setting.index, options) as (url, _process):
        sender = Sender(setting.load([url]))
        at = setting.seconds / 4
        time.sleep(at)
        subprocess.run(shlex.split(setting.kill_node), check=True, stdout=subprocess.DEVNULL)
        replies = sender.replies()
    subprocess.run(shlex.split(setting.start_node), check=True, stdout=subprocess.DEVNULL)
    return _split(replies, at)


def _restarted(setting: Setting, _: str) -> tuple[list[Reply], list[Reply]]:
    """Replace the proxy by another one on the same port."""
    port, first, second = free_port(), free_port(), free_port()
    common = ["--model", setting.model, "--share-port", "--search-deadline-ms", str(setting.deadline)]
    listen = [*common, "--listen", f"{HOST}:{port}"]
    with proxy(setting.engines, setting.index, [*listen, "--admin", f"{HOST}:{first}"]) as (_, old):
        sender = Sender(setting.load([f"http://{HOST}:{port}"]))
        at = setting.seconds / 4
        time.sleep(at)
        with proxy(setting.engines, setting.index, [*listen, "--admin", f"{HOST}:{second}"]):
            old.terminate()
            replies = sender.replies()
    return _split(replies, at)


_MEASURES = {"node-killed": _node_killed, "restarted": _restarted}
