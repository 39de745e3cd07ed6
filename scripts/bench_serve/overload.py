"""Send several times what the service can do, and measure what it refuses, what it accepts, and its recovery."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from .figures import percentile, reached, say, table
from .requests import Request, write_bodies
from .sender import PATIENCE, PROBED, Plan, Reply
from .sending import Sent, send
from .server import Command, Server, running

NORMAL = 2.0
"""A request is answered normally again within so many times the time of one that is alone."""

RECOVERED = 1.1
"""The service has recovered after so many times its bound: what it accepted last takes one bound."""

CAPACITY_LEVEL = 4
CAPACITY_SECONDS = 10.0
ALONE = 10
SPARE = 60.0  # seconds that a sender may take for its start


@dataclass(frozen=True, slots=True)
class Overload:
    """What is sent: `times` the capacity for `seconds`; at equal intervals if `even`, else as a Poisson process.

    `bound`: the seconds that an accepted request may take, by the option of the service.
    """

    times: float
    seconds: float
    even: bool
    bound: float


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured: `alone` is the median time of one request, in seconds, `capacity` in requests per second."""

    alone: float
    capacity: float
    sent: Sent


def measure(command: Command, requests: Sequence[Request], overload: Overload) -> Found:
    """Measure one request alone, the capacity, and then the overload. Raises ClickException."""
    with tempfile.TemporaryDirectory(prefix="resift-") as folder, running(command) as server:
        bodies = write_bodies(requests, Path(folder) / "bodies")
        alone = _alone(server, bodies)
        plan = Plan(server.url, command.path, bodies, CAPACITY_LEVEL, seconds=CAPACITY_SECONDS, unique=True)
        full = send(plan, CAPACITY_SECONDS + PATIENCE + SPARE)
        if not full.answered:
            raise click.ClickException(f"nothing was answered at concurrency {CAPACITY_LEVEL}: {full.failures}")
        capacity = len(full.answered) / full.seconds
        say(f"the capacity is {capacity * alone:.2f} requests in the time of one; now {overload.times:g} times that")
        plan = Plan(
            server.url,
            command.path,
            bodies,
            seconds=overload.seconds,
            rate=overload.times * capacity,
            even=overload.even,
            probe_below=NORMAL * alone,
            unique=True,
        )
        return Found(alone, capacity, send(plan, overload.seconds + PATIENCE + PROBED + SPARE))


def _alone(server: Server, bodies: str) -> float:
    plan = Plan(server.url, server.command.path, bodies, requests=ALONE, unique=True)
    sent = send(plan, PATIENCE + SPARE)
    if sent.failures:
        raise click.ClickException(f"requests that were alone were not answered: {sent.failures}")
    return statistics.median(reply.seconds for reply in sent.replies)


def report(found: Found, overload: Overload) -> str:
    """Return the table of an overload."""
    load = [reply for reply in found.sent.replies if not reply.probe]
    refused = [reply for reply in load if reply.status == 429]
    others = [reply for reply in load if reply.status not in (200, 429)]
    rows = [
        ["requests sent", f"{len(load)}", "", ""],
        ["answered 429", _share(len(refused), len(load)), "", ""],
        ["429 with Retry-After", _share(sum(reply.retry_after for reply in refused), len(refused)), "100 %", ""],
        ["answered otherwise, or not at all", f"{len(others)}", "0", reached(not others)],
        *_refusals([reply.seconds for reply in refused], found),
        *_accepted(found.sent.answered, found, overload),
        *_recovery([reply for reply in found.sent.replies if reply.probe], found, overload),
        ["sender late by at most ÷ one request alone", f"{found.sent.late / found.alone:.3f}", "", ""],
        ["core of the sender", f"{found.sent.cpu:.3f}", "", ""],
    ]
    arrivals = "equal intervals" if overload.even else "Poisson arrivals"
    title = (
        f"{overload.times:g} times the capacity for {overload.seconds:g} s, {arrivals}; "
        f"the bound is {overload.bound / found.alone:.1f} times one request alone."
    )
    return f"{title}\n\n" + table(["figure", "found", "wanted", ""], rows)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"


def _refusals(seconds: Sequence[float], found: Found) -> list[list[str]]:
    if not seconds:
        return [["429: p50 ÷ one request alone", "none", "", ""]]
    half, most = (percentile(seconds, part) / found.alone for part in (0.5, 0.99))
    return [
        ["429: p50 ÷ one request alone", f"{half:.3f}", "", ""],
        ["429: p99 ÷ one request alone", f"{most:.3f}", "below 1", reached(most < 1)],
    ]


def _accepted(answered: Sequence[Reply], found: Found, overload: Overload) -> list[list[str]]:
    seconds = [reply.seconds for reply in answered]
    within = sum(reply.sent + reply.seconds <= overload.seconds for reply in answered)
    half, high, most = (percentile(seconds, part) / overload.bound for part in (0.5, 0.95, 1.0))
    return [
        ["accepted: p50 ÷ bound", f"{half:.3f}", "", ""],
        ["accepted: p95 ÷ bound", f"{high:.3f}", "at most 1", reached(high <= 1)],
        ["accepted: longest ÷ bound", f"{most:.3f}", "at most 1", reached(most <= 1)],
        ["accepted per second ÷ capacity", f"{within / overload.seconds / found.capacity:.3f}", "", ""],
    ]


def _recovery(probes: Sequence[Reply], found: Found, overload: Overload) -> list[list[str]]:
    """Return the rows about the requests after the load, each of which followed the former one."""
    first = min((reply.sent + reply.seconds for reply in probes if reply.status == 200), default=None)
    normal = [reply for reply in probes if reply.status == 200 and reply.seconds <= NORMAL * found.alone]
    rows = [["after the load: 429 before the first answer", str(sum(reply.status == 429 for reply in probes)), "", ""]]
    if first is not None:
        rows.append(["after the load: first answer ÷ bound", f"{first / overload.bound:.3f}", "", ""])
    until = normal[0].sent / overload.bound if normal else float("inf")
    what = f"after the load: until one is answered within {NORMAL:g} times its time alone ÷ bound"
    return [*rows, [what, f"{until:.3f}", f"at most {RECOVERED:g}", reached(until <= RECOVERED)]]
