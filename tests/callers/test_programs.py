"""Each program of docs/callers.md runs, if its runtime is installed, and does what the page says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from resift.rerank.scorers.load import load_scorer
from tests.callers.programs import DOCUMENTS, KEY, PAGE, QUERY, Program, environment, need, printed, programs, run
from tests.callers.refusing import refusing_service
from tests.rerank.service.running import Running

PLAIN = [program for program in programs() if not program.packages]
NAMES = [program.name for program in PLAIN]


def test_every_program_of_the_page_is_run_by_a_test() -> None:
    blocks = re.findall(r"^```(\w+)$", PAGE, flags=re.MULTILINE)
    assert NAMES == ["rerank.sh", "rerank.mjs", "Rerank.java", "rerank.go", "rerank.php", "rerank.rb"]
    assert len(programs()) == len([language for language in blocks if language not in ("console", "text")])


@pytest.mark.parametrize("program", PLAIN, ids=NAMES)
def test_a_program_prints_the_documents_in_the_order_of_the_model(
    program: Program, locked_service: Running, expected: list[str], tmp_path: Path
) -> None:
    need(program.runtime)
    assert printed(run(program, tmp_path, locked_service.url)) == expected


@pytest.mark.parametrize("program", PLAIN, ids=NAMES)
def test_a_program_with_a_wrong_key_fails_and_says_why(
    program: Program, locked_service: Running, tmp_path: Path
) -> None:
    need(program.runtime)
    done = run(program, tmp_path, locked_service.url, "another-key-0123456789")
    shown = done.stdout + done.stderr
    assert done.returncode != 0 and "401" in shown
    assert program.runtime == "curl" or "the key is missing or wrong" in shown


@pytest.mark.parametrize("program", PLAIN, ids=NAMES)
def test_a_program_that_is_refused_waits_and_sends_its_request_again(program: Program, tmp_path: Path) -> None:
    need(program.runtime)
    with refusing_service() as (url, seen):
        assert printed(run(program, tmp_path, url)) == DOCUMENTS[::-1]
    assert len(seen) >= 2
    for headers in seen:
        assert (headers["x-deadline-ms"], headers["authorization"]) == ("2000", f"Bearer {KEY}")


def test_jq_prints_one_line_for_each_document_of_a_reply(
    locked_service: Running, expected: list[str], tmp_path: Path
) -> None:
    need("curl")
    need("jq")
    [command] = re.findall(r"^sh rerank\.sh \| jq .*$", PAGE, flags=re.MULTILINE)
    (tmp_path / "rerank.sh").write_text(PLAIN[0].source, encoding="utf-8")
    variables = environment(locked_service.url, KEY)
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert printed(done) == expected


def test_the_output_that_the_page_shows_has_the_order_of_the_default_model() -> None:
    [shown] = re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)
    order = [DOCUMENTS[row["corpus_id"]] for row in load_scorer("default").rank(QUERY, DOCUMENTS)]
    assert [line.split(" ", 1)[1] for line in shown.splitlines()] == order
