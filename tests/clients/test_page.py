"""The page of the clients names what is tested, and nothing else."""

from __future__ import annotations

import re

from tests.clients.client_programs import PAGE, ROOT, SECTIONS, examples


def test_a_program_runs_the_examples_of_every_section() -> None:
    assert sorted(examples()) == sorted(SECTIONS.values())


def test_versions_of_the_table_are_those_that_are_installed() -> None:
    lists = [ROOT / "tests" / "clients" / name for name in ("requirements.txt", "requirements-older.txt")]
    lines = [line for path in lists for line in path.read_text(encoding="utf-8").splitlines() if "==" in line]
    pinned = {tuple(line.split("==")) for line in lines}
    table, _, _ = PAGE.read_text(encoding="utf-8").partition("Most clients demand")
    sdks = re.findall(r"^\| \[`?(\w+)`?\]\(#\w+\) \| (\d[\d., ]*) \|", table, re.MULTILINE)
    named = [(name, version) for name, versions in sdks for version in versions.split(", ")]
    named += re.findall(r"\| `([\w-]+)` (\d[\d.]*) \|", table)
    assert len(named) == 18
    assert {(name.lower().replace("_", "-"), version) for name, version in named} <= pinned
