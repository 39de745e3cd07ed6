"""The README's commands and programs for engines, run on one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.docs.test_readme import blocks, run
from tests.engine.engines import ask, is_opensearch

pytestmark = pytest.mark.engine


def test_every_command_and_program_about_engines_runs_in_its_order(engine: str, name: str, tmp_path: Path) -> None:
    """The index `articles` of the README is a reader's own; here it is made of the README's documents."""
    bash = "\n".join(blocks("bash"))
    files = bash.split("\nresift", 1)[0]
    written = [line for line in bash.splitlines() if line.startswith("printf")]
    own = [f"resift index help.jsonl --to {engine}/{name}-articles", "cut -f2 queries.tsv > queries.txt"]
    own_terminal = "resift serve"  # runs until it is stopped: tests/callers runs that block
    console = "\n".join(block for block in blocks("console") if own_terminal not in block).replace(
        "pip install .", "true"
    )
    places = {
        "http://localhost:9200": engine,
        "/articles": f"/{name}-articles",
        "/help ": f"/{name}-help ",
        "/help\n": f"/{name}-help\n",
        '"articles"': f'"{name}-articles"',
        "--alias live": f"--alias {name}-live",
    }
    for theirs, ours in places.items():
        console = console.replace(theirs, ours)
    try:
        output = run(["bash", "-euo", "pipefail", "-c", "\n".join([files, *written, *own, console])], tmp_path)
        assert "Track your order" in output and {"changes.html", "report.html"} <= set(names(tmp_path))
        assert ask("GET", f"{engine}/{name}-live/_count")["count"] == 8
        [program] = blocks("py")
        if not is_opensearch(engine):
            for theirs, ours in places.items():
                program = program.replace(theirs, ours)
            assert run([sys.executable, "-c", program], tmp_path).startswith("reranked ['Reset your password'")
    finally:
        for index in ask("GET", f"{engine}/{name}*"):
            ask("DELETE", f"{engine}/{index}")


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
