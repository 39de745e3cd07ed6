"""The README's commands and programs for engines, run on one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.docs.test_readme import blocks, run
from tests.engine.engines import ask, is_opensearch

pytestmark = pytest.mark.engine


def test_every_command_and_program_about_engines_runs_in_its_order(engine: str, name: str, tmp_path: Path) -> None:
    files = next(block for block in blocks("bash") if "recipes.jsonl" in block)
    queries = next(block for block in blocks("bash") if "queries.tsv" in block)
    commands = "\n".join([files.split("resift")[0], queries.split("resift")[0], *blocks("console")])
    own = {
        "http://localhost:9200": engine,
        "/recipes": f"/{name}",
        '"recipes"': f'"{name}"',
        "--alias live": f"--alias {name}-live",
    }
    for theirs, ours in own.items():
        commands = commands.replace(theirs, ours)
    try:
        output = run(["bash", "-euo", "pipefail", "-c", commands], tmp_path)
        assert "Lentil soup" in output and (tmp_path / "engine.trec").read_text().count("resift")
        assert ask("GET", f"{engine}/{name}-live/_count")["count"] == 3
        [program] = blocks("py")
        if not is_opensearch(engine):
            for theirs, ours in own.items():
                program = program.replace(theirs, ours)
            assert run([sys.executable, "-c", program], tmp_path).startswith("reranked ['Lentil soup'")
    finally:
        for index in ask("GET", f"{engine}/{name}*"):
            ask("DELETE", f"{engine}/{index}")
