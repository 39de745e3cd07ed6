"""What a proxy adds to a request that passes through: direct, nginx and ours in turn, in one run."""

from __future__ import annotations

import random
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..bench_serve.figures import percentile, say, table
from .load import Load, send
from .processes import nginx, proxy

DIRECT, NGINX, OURS = "direct", "nginx", "resift proxy"


@dataclass(frozen=True, slots=True)
class Compared:
    """The median and the 99th percentile of each round, in seconds, by way; and how many requests failed."""

    medians: dict[str, list[float]]
    highest: dict[str, list[float]]
    failed: dict[str, int]


def compare(engine: str, path: str, rate: float, rounds: int, seconds: float) -> Compared:
    """Send `path` at `rate` a second over 50 connections each way, in `rounds` of changing order."""
    ways = (DIRECT, NGINX, OURS)
    found = Compared({way: [] for way in ways}, {way: [] for way in ways}, dict.fromkeys(ways, 0))
    with (
        tempfile.TemporaryDirectory(prefix="resift-") as folder,
        nginx(engine, Path(folder)) as beside,
        proxy(engine, "no-such-index") as (ours, _),
    ):
        urls = {DIRECT: engine, NGINX: beside, OURS: ours}
        for number in range(-1, rounds):
            for way in random.Random(number).sample(ways, len(ways)):
                replies = send(Load([urls[way]], path, [], seconds, rate))
                if number < 0:  # connections and caches are warm after the first round
                    continue
                times = [reply.seconds for reply in replies if reply.status == 200]
                found.medians[way].append(statistics.median(times))
                found.highest[way].append(percentile(times, 0.99))
                found.failed[way] += len(replies) - len(times)
            say(f"round {number + 1} of {rounds}")
    return found


def report(found: Compared, rate: float) -> str:
    """Return the table: what each way adds to the direct one, at the median of the rounds."""
    direct = statistics.median(found.medians[DIRECT])
    rows = []
    for way, medians in found.medians.items():
        added = [(one - other) * 1000 for one, other in zip(medians, found.medians[DIRECT], strict=True)]
        rows.append(
            [
                way,
                f"{statistics.median(medians) * 1000:.2f}",
                f"{statistics.median(added):+.2f} ({min(added):+.2f} to {max(added):+.2f})",
                f"{statistics.median(medians) / direct:.2f}",
                f"{statistics.median(found.highest[way]) * 1000:.2f}",
                found.failed[way],
            ]
        )
    head = ["way", "median, ms", "added to direct, ms", "ratio to direct", "99th percentile, ms", "failed"]
    return f"50 connections, {rate:g} requests a second, {len(found.medians[DIRECT])} rounds\n\n{table(head, rows)}"
