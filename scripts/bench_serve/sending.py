"""Start the second process, and read what it reports."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import click

from ..shared_data import ROOT
from .sender import Plan, Reply


@dataclass(frozen=True, slots=True)
class Sent:
    """What the second process found.

    `cpu`: how much of one core it used, 1.0 for all of it. `late`: seconds by which it sent at most too late.
    """

    replies: Sequence[Reply]
    cpu: float
    late: float

    @property
    def answered(self) -> list[Reply]:
        """The replies with 200, of the load alone."""
        return [reply for reply in self.replies if reply.status == 200 and not reply.probe]

    @property
    def pairs(self) -> int:
        """How many scores came back, of the load alone."""
        return sum(reply.found for reply in self.answered)

    @property
    def seconds(self) -> float:
        """The seconds from the first request until the last answer, of the load alone."""
        load = [reply for reply in self.replies if not reply.probe]
        return max(reply.sent + reply.seconds for reply in load) - min(reply.sent for reply in load)

    @property
    def failures(self) -> str:
        """Which requests of the load were not answered with 200, by kind; "" if all were."""
        kinds = [reply.why or str(reply.status) for reply in self.replies if reply.status != 200 and not reply.probe]
        return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))


def send(plan: Plan, limit: float, on_progress: Callable[[int], object] | None = None) -> Sent:
    """Run the second process with `plan`, and call `on_progress` with the number of answers at each report.

    Raises ClickException if it fails or is not ready after `limit` seconds.
    """
    with _process(limit) as (process, lines):
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(plan)) + "\n")
        process.stdin.close()
        for line in lines:
            found = json.loads(line)
            if "replies" in found:
                return Sent([Reply(*one) for one in found["replies"]], found["cpu"], found["late"])
            if on_progress is not None:
                on_progress(found["answered"])
    raise click.ClickException(f"the sending process ended without a result, or took more than {limit:.0f} s")


@contextmanager
def _process(limit: float) -> Iterator[tuple[subprocess.Popen[str], Iterator[str]]]:
    """Start the second process, and kill it after `limit` seconds, or at the end."""
    command = [sys.executable, "-m", "scripts.bench_serve.sender"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    watch = threading.Timer(limit, process.kill)
    watch.daemon = True
    watch.start()
    assert process.stdout is not None
    try:
        yield process, iter(process.stdout)
    finally:
        watch.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
