"""Stop the service by SIGTERM under load, where each accepted request is answered, or by SIGKILL, and restart it."""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .figures import say, table
from .requests import Request, write_bodies
from .sender import PATIENCE, Plan
from .sending import Sent, send
from .server import Command, Server, running

LEVEL = 16
AFTER = 2 * LEVEL
"""SIGTERM is sent after so many answers."""

LOAD_SECONDS = 60.0
LIBRARIES = "import onnxruntime, tokenizers"


@dataclass(frozen=True, slots=True)
class Drained:
    """One stop under load: what was sent, the exit code of the server, and the last line of its log."""

    sent: Sent
    code: int | None
    last: dict[str, Any]

    @property
    def whole(self) -> bool:
        """Whether each accepted request was answered, on both sides."""
        counts = {self.last.get("accepted"), self.last.get("answered"), len(self.sent.answered)}
        return len(counts) == 1 and self.code == 0 and not any(reply.why == "broken" for reply in self.sent.replies)


def drain(command: Command, requests: Sequence[Request], times: int) -> list[Drained]:
    """Stop the server by SIGTERM under load, `times` times."""
    found = []
    for number in range(times):
        with tempfile.TemporaryDirectory(prefix="resift-") as folder, running(command) as server:
            bodies = write_bodies(requests, Path(folder) / "bodies")
            plan = Plan(server.url, command.path, bodies, LEVEL, seconds=LOAD_SECONDS, unique=True, report_every=AFTER)
            stopped: list[int] = []

            def stop(answers: int, server: Server = server, stopped: list[int] = stopped) -> None:
                if not stopped:
                    stopped.append(answers)
                    server.send_signal(signal.SIGTERM)

            sent = send(plan, LOAD_SECONDS + PATIENCE, stop)
            code = server.wait()
            last = server.events("stopped")
        found.append(Drained(sent, code, last[-1] if last else {}))
        say(f"stop {number + 1}: {len(sent.answered)} answers, exit code {code}")
    return found


def drain_report(found: Sequence[Drained]) -> str:
    """Return the table of the stops."""
    header = ["stop", "sent", "answered 200", "not answered 200", "accepted by the server", "answered by the server"]
    rows = [
        [
            str(number),
            str(len(one.sent.replies)),
            str(len(one.sent.answered)),
            one.sent.failures or "0",
            str(one.last.get("accepted", "no line")),
            str(one.last.get("answered", "no line")),
            str(one.code),
            "yes" if one.whole else "**no**",
        ]
        for number, one in enumerate(found, 1)
    ]
    return table([*header, "exit code", "every accepted one answered"], rows)


def restart(command: Command, times: int) -> list[tuple[float, float]]:
    """Kill the server with SIGKILL and start it again on its port, `times` times.

    Returns the seconds until it was ready again, and those that a process takes which only imports the libraries.
    """
    found = []
    for number in range(times):
        with running(command) as server:
            port = server.port
            server.send_signal(signal.SIGKILL)
            server.wait()
        started = time.perf_counter()
        with running(command, port):
            ready = time.perf_counter() - started
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
        found.append((ready, time.perf_counter() - started))
        say(f"restart {number + 1}: {ready:.2f} s")
    return found


def restart_report(found: Sequence[tuple[float, float]]) -> str:
    """Return the table of the restarts."""
    header = ["restart", "ready after kill -9, s", f'`python -c "{LIBRARIES}"`, s', "ratio"]
    rows = [
        [str(number), f"{ready:.2f}", f"{other:.2f}", f"{ready / other:.2f}"]
        for number, (ready, other) in enumerate(found, 1)
    ]
    middle = [statistics.median(one[place] for one in found) for place in (0, 1)]
    ratio = statistics.median(ready / other for ready, other in found)
    return table(header, [*rows, ["median", f"{middle[0]:.2f}", f"{middle[1]:.2f}", f"{ratio:.2f}"]])
