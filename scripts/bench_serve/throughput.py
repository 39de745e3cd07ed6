"""Throughput and latency at several concurrencies, of one server or more, in turns with scoring in this process."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from resift.rerank.scorer import Scorer
from resift.rerank.scorers.load import load_scorer

from .figures import percentile, reached, say, spread, table
from .requests import Request, write_bodies
from .sender import PATIENCE, Plan
from .sending import send
from .server import Command, Server, running

TARGET_LEVEL, TARGET = 32, 0.9
"""At this concurrency, at least this ratio to the rate in the process is wanted."""

FEWEST = 8
TURNS = 2
"""Each measurement sends `TURNS` requests for each connection, and at least `FEWEST`."""

WARMING = 3
LIMIT = 1800.0  # seconds for one measurement
HERE = "in the process"


@dataclass(slots=True)
class Cell:
    """What was found of one server at one concurrency.

    `rates`: pairs per second of each round, as a ratio to those in the process, of the same pairs. `peer`: the same as
    a ratio to the first server. `latencies`: of each request, as a ratio to the median time of one in the process in
    the same round. `work`: the CPU time of each round, as a ratio to that in the process; unlike the rates, it
    hardly changes while other programs run. `cpu`: how much of a core the sending process used. `failures`: requests
    that were not answered, by kind.
    """

    rates: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Turn:
    """One measurement: pairs per second, seconds of processors, and the seconds of each request."""

    rate: float
    work: float
    seconds: Sequence[float]


Cells = Mapping[tuple[str, int], Cell]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: at which concurrencies, and in how many rounds."""

    levels: Sequence[int]
    rounds: int

    @property
    def per_round(self) -> int:
        """The number of requests of a round: each concurrency has requests of its own."""
        return sum(size_of(level) for level in self.levels)

    @property
    def requests(self) -> int:
        """The number of requests of all rounds, and one more that warms the servers."""
        return self.rounds * self.per_round + 1


def size_of(level: int) -> int:
    """Return how many requests one measurement at the concurrency `level` sends."""
    return max(FEWEST, TURNS * level)


def measure(commands: Sequence[Command], requests: Sequence[Request], extent: Extent) -> tuple[Cells, dict[str, float]]:
    """Return what was found of each server and concurrency, and the largest difference of each server's scores.

    In a round, the servers and this process take turns with the same pairs, in an order that changes; no pairs are sent
    twice to one server. The difference is that to the probabilities that this process computes. Raises ClickException.
    """
    scorer = load_scorer("default")
    cells = {(command.name, level): Cell() for command in commands for level in extent.levels}
    with ExitStack() as stack:
        servers = [stack.enter_context(running(command)) for command in commands]
        differences = {server.command.name: difference(server, requests[-1], scorer) for server in servers}
        left = iter(requests)
        for turn in range(extent.rounds):
            for level in extent.levels:
                part = [next(left) for _ in range(size_of(level))]
                _take_turns(servers, scorer, part, (turn, level), cells)
    return cells, differences


def _take_turns(
    servers: Sequence[Server], scorer: Scorer, part: Sequence[Request], place: tuple[int, int], cells: Cells
) -> None:
    """Measure `part` with each server and in this process; `place` is the round and the concurrency."""
    turn, level = place
    shift = turn % (len(servers) + 1)
    order = [*servers, None][shift:] + [*servers, None][:shift]
    turns: dict[str, Turn] = {}
    for server in order:
        if server is None:
            turns[HERE] = _here(scorer, part)
        else:
            turns[server.command.name] = _sent(server, part, level, cells[server.command.name, level])
    here, first = turns.pop(HERE), turns[servers[0].command.name]
    one = statistics.median(here.seconds)
    for name, found in turns.items():
        cell = cells[name, level]
        cell.rates.append(found.rate / here.rate)
        cell.peer.append(found.rate / first.rate if first.rate else float("nan"))
        cell.work.append(found.work / here.work)
        cell.latencies += [seconds / one for seconds in found.seconds]
        say(f"round {turn + 1}, {name} at {level}: {cell.rates[-1]:.3f} of the rate in the process")


def _here(scorer: Scorer, part: Sequence[Request]) -> Turn:
    """Measure `part` in this process."""
    before, seconds = time.process_time(), times_here(scorer, part)
    pairs = sum(len(request.documents) for request in part)
    return Turn(pairs / sum(seconds), time.process_time() - before, seconds)


def _sent(server: Server, part: Sequence[Request], level: int, cell: Cell) -> Turn:
    """Measure `part` with a server."""
    with tempfile.TemporaryDirectory(prefix="resift-") as folder:
        bodies = write_bodies(part, Path(folder) / "bodies")
        before = server.cpu_seconds()
        sent = send(Plan(server.url, server.command.path, bodies, level, requests=len(part)), LIMIT)
        work = server.cpu_seconds() - before
    cell.cpu.append(sent.cpu)
    if sent.failures:
        cell.failures.append(sent.failures)
        say(f"{server.command.name} at {level}: not answered: {sent.failures}")
    return Turn(sent.pairs / sent.seconds, work, [reply.seconds for reply in sent.answered])


def times_here(scorer: Scorer, requests: Sequence[Request]) -> list[float]:
    """Return the seconds that scoring takes in this process, of each request."""
    taken = []
    for request in requests:
        started = time.perf_counter()
        scorer.score(request.pairs)
        taken.append(time.perf_counter() - started)
    return taken


def difference(server: Server, request: Request, scorer: Scorer) -> float:
    """Return the largest difference of a server's scores to the probabilities of this process; warms both.

    Raises ClickException if the server does not answer.
    """
    for _ in range(WARMING):
        content = request.body.encode()
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(server.url + server.command.path, content, headers)
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
                results = json.loads(answer.read())["results"]
        except OSError as error:  # HTTP statuses and timeouts too
            raise click.ClickException(f"{server.command.name} does not answer: {error}") from None
        logits = scorer.score(request.pairs).logits.astype(np.float64)  # (documents,)
    expected = 1 / (1 + np.exp(-logits))
    found = np.full(len(expected), np.nan)
    for row in results:
        found[row["index"]] = row["relevance_score"]
    return float(np.abs(found - expected).max())


def report(cells: Cells, differences: Mapping[str, float], peer: str | None = None) -> str:
    """Return the table; with `peer`, the name of the first server, also the ratios to it."""
    header = ["server", "concurrency", "pairs/s ÷ in the process"]
    header += [f"pairs/s ÷ {peer}"] * (peer is not None)
    header += ["CPU time ÷ in the process", "p50 ÷ one request in the process", "p95", "p99"]
    header += ["core of the sender", "not answered"]
    rows = []
    for (name, level), cell in cells.items():
        row = [name, str(level), spread(cell.rates)]
        row += [spread(cell.peer)] * (peer is not None)
        row.append(spread(cell.work))
        row += [f"{percentile(cell.latencies, part):.2f}" for part in (0.5, 0.95, 0.99)]
        rows.append([*row, f"{statistics.median(cell.cpu):.3f}", "; ".join(cell.failures) or "0"])
    lines = [table(header, rows), ""]
    lines += [f"Largest difference of a score of {name}: {most:.2g}." for name, most in differences.items()]
    return "\n".join(lines)


def verdict(cells: Cells, name: str) -> str:
    """Return whether the target is reached, "" if its concurrency was not measured."""
    cell = cells.get((name, TARGET_LEVEL))
    if cell is None:
        return ""
    rate = statistics.median(cell.rates)
    return f"Target: at least {TARGET} at concurrency {TARGET_LEVEL}: {rate:.3f}, {reached(rate >= TARGET)}."
