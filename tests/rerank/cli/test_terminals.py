"""Widths that no terminal has, terminals without colors, and characters that are two columns wide."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from resift.rerank.cli.output import to_json
from tests.rerank.cli.invoke import invoke

ROOT = Path(__file__).parents[3]
WIDE = [
    {"id": "1", "title": "日本語のタイトルはとても長いです東京の観光案内と歴史について", "text": "東京 soup 🍲"},
    {"id": "2", "title": "Soup " + "🍲" * 30, "text": "soup"},
    {"id": "3", "title": "مرحبا بالعالم", "text": "soup"},
]


@pytest.mark.parametrize("columns", ["0", "1", "-3", "abc", ""])
@pytest.mark.parametrize("flags", [[], ["--compare"]])
def test_a_width_that_no_terminal_has_still_shows_the_hits(index: str, columns: str, flags: list[str]) -> None:
    done = invoke("search", index, "soup", "lentils", "--model", "none", *flags, env={"COLUMNS": columns})
    assert done.code == 0
    assert "Soup" in done.out and "Bowls" in done.out


@pytest.mark.parametrize("columns", [60, 90])
@pytest.mark.parametrize("flags", [[], ["--compare"]])
def test_wide_characters_stay_in_their_columns(tmp_path: Path, columns: int, flags: list[str]) -> None:
    (tmp_path / "wide.jsonl").write_text("".join(json.dumps(document) + "\n" for document in WIDE))
    assert invoke("index", str(tmp_path / "wide.jsonl"), "--to", f"bm25:{tmp_path / 'index'}").code == 0
    place = f"bm25:{tmp_path / 'index'}"
    lines = invoke("search", place, "soup", *flags, env={"COLUMNS": str(columns)}).out.splitlines()
    assert max(map(cell_len, lines)) <= columns
    rows = [line for line in lines if line.split()[:1] in (["#"], ["1"], ["2"], ["3"])]
    assert len({cell_len(line) for line in rows[:4]}) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("terminal", "marked"), [("dumb", "*lentils*"), ("xterm", "\x1b[1;33mlentils\x1b[0m")])
def test_the_querys_words_are_marked_on_any_terminal(index: str, terminal: str, marked: str) -> None:
    reader, writer = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    command = [sys.executable, "-m", "resift", "search", index, "lentils", "--model", "none"]
    subprocess.run(command, cwd=ROOT, env={**plain, "TERM": terminal}, stdout=writer, check=True)
    os.close(writer)
    shown = b""
    try:
        while part := os.read(reader, 65536):
            shown += part
    except OSError:  # the end, on Linux
        pass
    finally:
        os.close(reader)
    assert marked in shown.decode()


@pytest.mark.parametrize("command", ["compare", "evaluate", "info", "config"])
def test_every_table_can_be_written_in_an_old_encoding(tmp_path: Path, index: str, command: str) -> None:
    (tmp_path / "q.tsv").write_text("q1\tمرحبا 🙂 tomatoes\n")
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td3\t1\n")
    queries = ["--queries", str(tmp_path / "q.tsv")]
    arguments = {
        "compare": [index, *queries, "--window", "1"],
        "evaluate": [index, *queries, "--qrels", str(tmp_path / "qrels.tsv"), "--model", "none", "--worst", "1"],
        "info": [index],
        "config": [],
    }
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    line = [sys.executable, "-m", "resift", command, *arguments[command]]
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert (done.returncode, b"defect" in done.stderr) == (0, False), done.stderr
    assert done.stdout


def test_numbers_of_numpy_are_numbers_in_json() -> None:
    values = {"a": np.float32(0.5), "b": np.float32("nan"), "c": np.int64(3), "d": np.bool_(True)}
    assert to_json(values) == '{"a": 0.5, "b": null, "c": 3, "d": true}'
