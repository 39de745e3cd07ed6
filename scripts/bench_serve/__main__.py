"""Measure and print: ``python -m scripts.bench_serve COMMAND``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from shlex import split
from typing import Any

import click

from resift.retrieval.errors import ResiftError

from . import overload as overloading
from . import soak as soaking
from . import stopping, throughput
from .figures import busy
from .peers import THREADS, peers
from .requests import requests_of, small_requests
from .sender import Plan
from .server import Command, resift_serve

UNLIMITED = 600.0
"""Seconds that an accepted request may take where no refusals are measured."""

FOLDER = click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A judged collection in BEIR's layout; nfcorpus or med of the shared data, else the demo's, if not given.",
)
COMMAND = click.option(
    "--command", "words", help="A command that starts another server in place of resift serve; {port} is its port."
)
OPTIONS = click.option("--option", "options", multiple=True, help="A further option: --option=--threads=1.")
DOCUMENTS = click.option("--documents", type=click.IntRange(1), default=100, show_default=True, help="Of a request.")
LEVELS = click.option("--levels", default="1,8,32", show_default=True, help="Concurrencies, separated by commas.")
ROUNDS = click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
TIMES = click.option("--times", type=click.IntRange(1), default=3, show_default=True, help="How often.")


def serving(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which server is started and what it is asked."""
    return FOLDER(COMMAND(OPTIONS(function)))


def _command(words: str | None, options: tuple[str, ...], queue_seconds: float = UNLIMITED) -> Command:
    return resift_serve(queue_seconds, options, split(words) if words else ())


def _extent(levels: str, rounds: int) -> throughput.Extent:
    try:
        chosen = [int(level) for level in levels.split(",")]
    except ValueError:
        chosen = [0]
    if min(chosen) < 1:
        raise click.BadParameter("expected numbers of 1 or more, separated by commas", param_hint="--levels")
    return throughput.Extent(chosen, rounds)


@click.group()
def main() -> None:
    """Measure `resift serve` under load; all figures are ratios to a peer that is measured in the same run."""
    print(f"{busy()}\n")


@main.command("throughput")
@serving
@DOCUMENTS
@LEVELS
@ROUNDS
def _throughput(folder: Path | None, documents: int, levels: str, rounds: int, **server: Any) -> None:  # noqa: ANN401
    """Measure pairs per second and latencies, in turns with scoring the same pairs in this process."""
    extent, command = _extent(levels, rounds), _command(**server)
    requests = requests_of(folder, extent.requests, documents)
    cells, differences = throughput.measure([command], requests, extent)
    print(throughput.report(cells, differences))
    print(throughput.verdict(cells, command.name))


@main.command("peers")
@serving
@click.option("--documents", type=click.IntRange(1), default=20, show_default=True, help="Of a request.")
@LEVELS
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--peer-python",
    type=click.Path(exists=True, path_type=Path),
    default=sys.executable,
    help="A Python with fastapi, uvicorn and sentence-transformers; the running one if not given.",
)
@click.option("--infinity", type=click.Path(exists=True, path_type=Path), help="The program infinity_emb.")
def _peers(folder: Path | None, documents: int, peer_python: Path, infinity: Path | None, **options: Any) -> None:  # noqa: ANN401
    """Measure the service and its peers, in turns and with the same pairs."""
    extent, command = _extent(options.pop("levels"), options.pop("rounds")), _command(**options)
    requests = requests_of(folder, extent.requests, documents)
    with peers(peer_python, infinity) as others:
        cells, differences = throughput.measure([*others, command], requests, extent)
    print(throughput.report(cells, differences, THREADS))


@main.command("overload")
@serving
@click.option("--documents", type=click.IntRange(1), default=20, show_default=True, help="Of a request.")
@click.option("--times", type=float, default=4.0, show_default=True, help="The load, as a multiple of the capacity.")
@click.option("--seconds", type=float, default=30.0, show_default=True, help="How long.")
@click.option("--even", is_flag=True, help="Equal intervals instead of Poisson arrivals.")
@click.option(
    "--bound",
    type=float,
    default=2.0,
    show_default=True,
    help="--max-queue-seconds of the service; that of --command, if it is given.",
)
def _overload(folder: Path | None, documents: int, words: str | None, options: tuple[str, ...], **load: Any) -> None:  # noqa: ANN401
    """Send more than the service can do, and measure refusals, accepted requests and the recovery."""
    asked = overloading.Overload(**load)
    requests = requests_of(folder, 200, documents)
    command = _command(words, options, asked.bound)
    print(overloading.report(overloading.measure(command, requests, asked), asked))


@main.command("soak")
@serving
@click.option("--requests", "count", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--hours", type=float, default=1.0, show_default=True, help="End after so long, whatever was sent.")
@click.option("--concurrency", type=click.IntRange(1), default=4, show_default=True)
@click.option("--every", type=click.IntRange(1), default=1000, show_default=True, help="Answers between two samples.")
def _soak(folder: Path | None, count: int, hours: float, concurrency: int, **others: Any) -> None:  # noqa: ANN401
    """Send very many small requests, and print the memory of the server as a curve."""
    every = others.pop("every")
    plan = Plan("", "", "", concurrency, requests=count, seconds=hours * 3600)
    requests = small_requests(folder, min(count, 2000))
    print(soaking.report(*soaking.measure(_command(**others), requests, plan, every, hours)))


@main.command("drain")
@serving
@click.option("--documents", type=click.IntRange(1), default=20, show_default=True, help="Of a request.")
@TIMES
def _drain(folder: Path | None, documents: int, times: int, **server: Any) -> None:  # noqa: ANN401
    """Send SIGTERM under load: every accepted request is answered, by the counts of both sides."""
    print(stopping.drain_report(stopping.drain(_command(**server), requests_of(folder, 200, documents), times)))


@main.command("restart")
@COMMAND
@OPTIONS
@TIMES
def _restart(times: int, **server: Any) -> None:  # noqa: ANN401 - Click's
    """Kill the service with SIGKILL, and measure the time until it is ready again."""
    print(stopping.restart_report(stopping.restart(_command(**server), times)))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended
    try:
        main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except click.Abort:
        raise SystemExit(130) from None
    except ResiftError as error:
        raise SystemExit(f"error: {error}") from None
