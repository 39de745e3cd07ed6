"""Start a server, wait until it is ready, read its memory and its log, and stop it with all its processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..shared_data import ROOT

HOST = "127.0.0.1"
READY_WITHIN = 180.0
"""Seconds that a server may take to start."""

STOPPED_WITHIN = 60.0
"""Seconds that a server may take to end after SIGTERM."""

_EVERY = 0.005  # seconds between two looks
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TORCH_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Command:
    """How a server is started: the words of its command, with {port} in place of the port.

    `name`: in the tables. `path`: the route that reranks. `health`: a route that answers with 200 once the server is
    ready; if it is None, the log has a line with "event": "ready" and the "url", and the port may be 0.
    """

    name: str
    words: Sequence[str]
    path: str = "/v1/rerank"
    health: str | None = None


def resift_serve(queue_seconds: float, options: Sequence[str] = (), command: Sequence[str] = ()) -> Command:
    """Return how the service is started, with further options.

    `queue_seconds`: how long an accepted request may take. `command` replaces `resift serve` and this limit.
    """
    if command:
        return Command("given server", [*command, *options])
    ours = [sys.executable, "-m", "resift", "serve", "--host", HOST, "--port", "{port}", "--log-format", "json"]
    return Command("resift serve", [*ours, "--max-queue-seconds", f"{queue_seconds:g}", *options])


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    command: Command
    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self.url.rpartition(":")[2])

    def memory(self) -> int:
        """Return the resident memory of its processes, in bytes."""
        return sum(_resident(pid) for pid in self._processes())

    def cpu_seconds(self) -> float:
        """Return the seconds of processors that its processes have used."""
        return sum(_cpu_seconds(pid) for pid in self._processes())

    def open_files(self) -> int:
        """Return how many files and connections its processes have open."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self._processes())

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of its log that have this "event"."""
        found = []
        for line in self.log.read_bytes().splitlines():
            with suppress(ValueError):
                row = json.loads(line)
                if isinstance(row, dict) and row.get("event") == name:
                    found.append(row)
        return found

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to its first process."""
        self.process.send_signal(number)

    def wait(self) -> int | None:
        """Return its exit code, None if it did not end in time."""
        try:
            return self.process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            return None

    def _processes(self) -> list[int]:
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        return found

    def ready(self) -> str | None:
        """Return its address if it is ready, else None."""
        if self.command.health is not None:
            return self.url if _healthy(self.url + self.command.health) else None
        events = self.events("ready")
        return str(events[0]["url"]) if events else None


@contextmanager
def running(command: Command, port: int = 0) -> Iterator[Server]:
    """Start a server on `port`, any free one if 0, yield it once it is ready, and end all its processes.

    Raises ClickException if it ends, or is not ready in time.
    """
    if command.health is not None:
        port = port or free_port()
    words = [word.replace("{port}", str(port)) for word in command.words]
    with tempfile.TemporaryDirectory(prefix="resift-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                words, cwd=ROOT, env=_environment(), stdout=file, stderr=file, start_new_session=True
            )
        server = Server(command, process, log, f"http://{HOST}:{port}")
        try:
            yield _wait(server)
        finally:
            _end(process)


def free_port() -> int:
    """Return a port on which nothing listens at the moment."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def _wait(server: Server) -> Server:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and server.process.poll() is None:
        if url := server.ready():
            return replace(server, url=url)
        time.sleep(_EVERY)
    last = server.log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise click.ClickException(f"{server.command.name} is not ready ({server.process.poll()}):\n{last}")


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        time.sleep(0.1)
        return False


def _environment() -> dict[str, str]:
    """Return the environment without limits on threads, as each server may use all cores, and without a network."""
    kept = {name: value for name, value in os.environ.items() if name not in _THREADS}
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
    return kept | offline | {"INFINITY_ANONYMOUS_USAGE_STATS": "0"}


def _resident(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def _cpu_seconds(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # of the user, and of the system
    return 0.0


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process by SIGTERM, and what is left of its group by SIGKILL."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
