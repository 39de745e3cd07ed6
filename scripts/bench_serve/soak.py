"""Send very many small requests, and measure the memory of the server meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .figures import reached, say, table
from .requests import Request, write_bodies
from .sender import PATIENCE, Plan
from .sending import Sent, send
from .server import Command, Server, running

FLAT = 0.05
"""Memory is flat if the second half of the requests would add at most this share of it."""

SHOWN = 20
"""At most so many samples are in the table; the slope uses all."""

_MEGABYTE = 1e6
_BAR = 30


@dataclass(slots=True)
class Curve:
    """The samples: after how many answers, how much memory in bytes, and how many files and connections were open."""

    answers: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def sample(self, server: Server, answers: int) -> None:
        """Add a sample."""
        self.answers.append(answers)
        self.memory.append(server.memory())
        self.files.append(server.open_files())
        say(f"{answers:,} answers, {self.memory[-1] / _MEGABYTE:.1f} MB, {self.files[-1]} open files")

    @property
    def slope(self) -> float:
        """The bytes that one request adds, by least squares over the second half of the requests; NaN if too few."""
        half = len(self.answers) // 2
        if len(self.answers) - half < 3:
            return float("nan")
        return float(np.polyfit(self.answers[half:], self.memory[half:], 1)[0])

    @property
    def growth(self) -> float:
        """What `slope` adds over the second half of the requests, as a share of the memory in the middle."""
        half = len(self.answers) // 2
        return self.slope * (self.answers[-1] - self.answers[half]) / self.memory[half]


def measure(command: Command, requests: Sequence[Request], plan: Plan, every: int, hours: float) -> tuple[Curve, Sent]:
    """Send what `plan` says, and sample the server after `every` answers. Raises ClickException after `hours`."""
    curve = Curve()
    with tempfile.TemporaryDirectory(prefix="resift-") as folder, running(command) as server:
        bodies = write_bodies(requests, Path(folder) / "bodies")
        curve.sample(server, 0)
        full = Plan(
            server.url,
            command.path,
            bodies,
            plan.concurrency,
            requests=plan.requests,
            seconds=plan.seconds,
            unique=True,
            report_every=every,
        )
        sent = send(full, hours * 3600 + PATIENCE, lambda answers: curve.sample(server, answers))
    return curve, sent


def report(curve: Curve, sent: Sent) -> str:
    """Return the curve and its slope."""
    step = -(-len(curve.answers) // SHOWN)
    most = max(curve.memory)
    rows = [
        [f"{answers:,}", f"{memory / _MEGABYTE:.1f}", str(files), "█" * round(_BAR * memory / most)]
        for answers, memory, files in list(zip(curve.answers, curve.memory, curve.files, strict=True))[::step]
    ]
    slope, growth = curve.slope * 100_000 / _MEGABYTE, curve.growth
    return "\n".join(
        [
            table(["answers", "resident memory, MB", "open files", ""], rows),
            "",
            f"Requests: {len(sent.replies):,}, scores: {sent.pairs:,}; not answered: {sent.failures or '0'}.",
            f"Second half: {slope:+.2f} MB for each 100,000 requests, which is {growth:+.2%} of the memory.",
            f"Target: at most {FLAT:.0%}: {reached(growth <= FLAT)}.",
        ]
    )
