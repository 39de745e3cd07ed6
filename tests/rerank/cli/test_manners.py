"""Misspelt names get a suggestion, --quiet suppresses notes, and the help shows the common options first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click import Context, Option

from resift.rerank.cli.main import COMMANDS, cli
from resift.retrieval.near_names import suggestion
from tests.rerank.cli.invoke import invoke


@pytest.mark.parametrize(
    ("given", "meant"), [("serch", "search"), ("evalute", "evaluate"), ("Index", "index"), ("re-rank", "rerank")]
)
def test_a_misspelt_command_is_refused_with_the_near_name(given: str, meant: str) -> None:
    done = invoke(given, "x")
    assert done.code == 2
    assert done.error_line == f"resift: error: {given!r} is not a command; did you mean {meant}? See: resift --help"


def test_a_command_that_resembles_none_is_refused_with_the_list_of_commands() -> None:
    done = invoke("qqqq")
    assert done.code == 2 and f"expected one of {', '.join(COMMANDS)}." in done.error_line


def test_a_misspelt_option_is_refused_with_the_near_name() -> None:
    assert "'--dpeth'" in (line := invoke("search", "bm25:x", "soup", "--dpeth", "3").error_line) and "--depth" in line


def test_a_misspelt_setting_of_the_file_is_refused_with_the_near_name(tmp_path: Path) -> None:
    file = tmp_path / "resift.toml"
    file.write_text("fusion-wieght = 0.3\n")
    line = invoke("--config", str(file), "config").error_line
    assert line.endswith("'fusion-wieght' is not a setting; did you mean fusion_weight?")


def test_a_misspelt_variable_is_noted_and_the_command_goes_on() -> None:
    done = invoke("config", "--json", env={"RESIFT_DPETH": "3", "RESIFT_TEST_X": "1", "RESIFT_ZZZZ": "1"})
    assert done.code == 0 and json.loads(done.out)["depth"]["value"] == 100
    assert done.err.splitlines() == [
        "note: RESIFT_DPETH has no effect; did you mean RESIFT_DEPTH?",
        "note: RESIFT_ZZZZ has no effect",
    ]


@pytest.mark.parametrize("name", ["RESIFT_DEPTH", "RESIFT_QUIET", "RESIFT_DEBUG", "RESIFT_API_KEY"])
def test_a_variable_that_is_read_is_not_noted(name: str) -> None:
    assert invoke("config", env={name: "1"}).err == ""


@pytest.mark.parametrize("place", ["before the command", "after the command", "variable"])
def test_quiet_suppresses_notes_and_not_results(index: str, tmp_path: Path, place: str) -> None:
    queries = tmp_path / "q.tsv"
    queries.write_text("q1\tzebra\n")
    given = ["run", index, "--queries", str(queries), "--output", "-", "--model", "none"]
    assert "matched nothing" in invoke(*given).err
    if place == "variable":
        done = invoke(*given, env={"RESIFT_QUIET": "1"})
    else:
        done = invoke(*(["--quiet", *given] if place == "before the command" else [*given, "-q"]))
    assert (done.code, done.err) == (0, "")


def test_quiet_does_not_suppress_errors() -> None:
    done = invoke("-q", "search", "bm25:missing-index", "soup")
    assert done.code == 1 and done.err.startswith("resift: error: ")


def test_the_help_of_search_shows_few_options_and_help_all_shows_every_one() -> None:
    short = invoke("search", "--help").out
    long = invoke("search", "--help-all").out
    command = cli.get_command(Context(cli), "search")
    assert command is not None
    flags = {flag for option in command.params if isinstance(option, Option) for flag in option.opts}
    assert {"--top", "--model", "--field", "--json"} <= {flag for flag in flags if flag in short}
    assert "--client-cert" not in short and "more options: resift search --help-all" in short
    assert all(flag in long for flag in flags)
    assert "Connecting to an engine:" in long and "Model:" in long


def test_a_suggestion_ignores_case_and_dashes() -> None:
    assert suggestion("Max-Lenght", ["max_length", "depth"]) == "; did you mean max_length?"
    assert suggestion("", ["depth"]) == "" and suggestion("x", []) == ""
