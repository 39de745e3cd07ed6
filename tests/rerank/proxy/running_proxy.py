"""Run `resift proxy` as a process of its own, as users do, with the smallest model of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rerank.service.running import Running, reading


@contextmanager
def running_proxy(to: str, *arguments: str, ready: bool = True, admin: bool = False) -> Iterator[Running]:
    """Run a proxy before `to` until the block ends; yields it when it listens, and if `ready` has its model.

    It listens on a free port, unless `arguments` name one; its admin address too if `admin`.
    """
    command = [sys.executable, "-m", "resift", "proxy", "--to", to, "--model", "resift-tiny", "--log-format", "json"]
    command += [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]
    command += ["--admin", "127.0.0.1:0" if admin else "none"] if "--admin" not in arguments else []
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RESIFT_")}
    process = subprocess.Popen(
        [*command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=variables, cwd=Path(__file__).parent,
    )  # fmt: skip
    with reading(process) as running:
        running.url = running.wait_for("started")["listens"]
        if ready:
            running.wait_for("ready")
        yield running


def resident_bytes(running: Running) -> int:
    """Return the memory of the process of a proxy."""
    return int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
