"""Measure and print: ``python -m scripts.bench_proxy COMMAND``."""

from __future__ import annotations

import click

from ..bench_serve.figures import busy
from . import faults as faulting
from . import overhead as comparing


@click.group()
def main() -> None:
    """Measure the proxy before an engine that runs."""
    print(busy())


@main.command()
@click.argument("engine")
@click.option("--path", default="/", show_default=True, help="What is asked for; it passes through.")
@click.option("--rate", default=300.0, show_default=True, help="Requests a second, over 50 connections.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1))
@click.option("--seconds", default=5.0, show_default=True, help="Of each way in a round.")
def overhead(engine: str, path: str, rate: float, rounds: int, seconds: float) -> None:
    """Measure what the proxy adds to a request that passes through, beside nginx in the same run."""
    print(comparing.report(comparing.compare(engine, path, rate, rounds, seconds), rate))


@main.command()
@click.argument("engines")
@click.argument("index")
@click.option("--queries", required=True, type=click.Path(exists=True, dir_okay=False), help="One query a line.")
@click.option("--field", default="text", show_default=True, help="The field that is searched.")
@click.option("--rate", default=40.0, show_default=True, help="Searches a second, over 50 connections.")
@click.option("--seconds", default=16.0, show_default=True, help="Of each load; the fault comes after a quarter.")
@click.option("--deadline", default=1000, show_default=True, help="Of the proxy, in milliseconds.")
@click.option("--model", default="resift-tiny", show_default=True)
@click.option("--only", multiple=True, type=click.Choice(faulting.FAULTS), help="Faults to try; all if not given.")
@click.option("--kill-node", help="A command that kills the first of the nodes ENGINES, for the fault node-killed.")
@click.option("--start-node", help="A command that brings it back.")
def faults(engines: str, index: str, **options: object) -> None:
    """Send searches while something behind the proxy fails; ENGINES is http://HOST:PORT, more nodes after commas."""
    print(faulting.measure(faulting.Setting(engines, index, **options)))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
