"""Run `resift serve` as a process of its own, as users do, and read its log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

WAIT = 60.0
"""Seconds until a service must be ready, on a machine that is busy with other tests."""


@dataclass
class Running:
    """A service: `url` is where it answers; `lines` are the lines of its log so far, as JSON objects."""

    process: subprocess.Popen[str]
    url: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """Return the line of the log of the `count`-th `event`, as soon as it is written."""
        ends = time.monotonic() + WAIT
        while time.monotonic() < ends:
            found = [line for line in self.lines if line["event"] == event]
            if len(found) >= count:
                return found[count - 1]
            if self.process.poll() is not None:
                time.sleep(0.2)  # the reader may be behind
                found = [line for line in self.lines if line["event"] == event]
                if len(found) >= count:
                    return found[count - 1]
                raise AssertionError(f"the service ended with {self.process.returncode}: {self.plain}")
            time.sleep(0.01)
        raise AssertionError(f"no {event!r} within {WAIT} s: {self.lines[-5:]} {self.plain[-5:]}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(WAIT)

    def read(self) -> None:
        """Collect the lines of standard error until it ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.plain.append(line.rstrip())


@contextmanager
def running_service(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run `resift serve` on a free port until the block ends; yields it when it is ready."""
    with started_service(*arguments, environment=environment) as running:
        running.url = running.wait_for("ready")["url"]
        yield running


@contextmanager
def started_service(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run `resift serve` on a free port until the block ends; yields it at once."""
    command = [sys.executable, "-m", "resift", "serve", "--port", "0", "--log-format", "json", "--threads", "1"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RESIFT_")}
    process = subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**variables, **(environment or {})},
    )
    with reading(process) as running:
        yield running


@contextmanager
def reading(process: subprocess.Popen[str]) -> Iterator[Running]:
    """Read the log of a process until the block ends, and then kill it if it still runs."""
    running = Running(process)
    reader = threading.Thread(target=running.read, daemon=True)
    reader.start()
    try:
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join(5)
        assert process.stderr is not None
        process.stderr.close()
