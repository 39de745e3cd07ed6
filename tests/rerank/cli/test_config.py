"""Flags override environment variables, which override the file, which overrides the defaults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.rerank.cli.invoke import invoke


def settings(*arguments: str, file: Path | None = None, **environment: str) -> dict[str, Any]:
    given = ["--config", str(file)] if file else []
    done = invoke(*given, "config", "--json", *arguments, env=environment)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def entry(value: object, source: str, stage: str = "search") -> dict[str, object]:
    return {"value": value, "source": source, "stage": stage}


def test_without_anything_every_setting_has_its_default() -> None:
    found = settings()
    assert found["depth"] == entry(100, "default")
    assert found["window"] == entry(100, "default", "rerank")
    assert {row["source"] for row in found.values()} == {"default"}


def test_each_source_overrides_the_next(tmp_path: Path) -> None:
    file = tmp_path / "resift.toml"
    file.write_text("depth = 30\n")
    assert settings(file=file)["depth"] == entry(30, "file")
    assert settings(file=file, RESIFT_DEPTH="20")["depth"] == entry(20, "environment")
    assert settings("--depth", "10", file=file, RESIFT_DEPTH="20")["depth"] == entry(10, "flag")


def test_a_setting_that_is_in_the_file_in_both_spellings_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "resift.toml"
    file.write_text("batch-tokens = 512\nbatch_tokens = 600\n")
    done = invoke("--config", str(file), "config")
    assert done.code == 2 and "both batch_tokens and batch-tokens, which are one setting; keep one" in done.error_line


def test_a_file_named_resift_toml_in_the_working_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resift.toml").write_text('model = "none"\nbatch-tokens = 512\n')
    monkeypatch.chdir(tmp_path)
    found = settings()
    assert found["model"] == entry("none", "file", "scorer")
    assert found["batch_tokens"] == entry(512, "file", "scorer")


def test_the_file_can_be_named_after_the_command_and_a_list_is_joined_by_commas(tmp_path: Path) -> None:
    file = tmp_path / "resift.toml"
    file.write_text('depth = 30\nfields = ["author", "year"]\ntop = 3\n')
    found = settings("--config", str(file))
    assert found["depth"] == entry(30, "file")
    assert found["fields"] == entry("author,year", "file", "corpus")
    assert found["top"] == entry(3, "file", "display")


def test_the_table_names_the_variable_that_sets_a_value() -> None:
    done = invoke("config", env={"RESIFT_WINDOW": "7"})
    [line] = [line for line in done.out.splitlines() if line.startswith("window ")]
    assert line.split() == ["window", "7", "RESIFT_WINDOW"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depht = 3", "'depht' is not a setting; did you mean depth?"),
        ("qqqq = 3", "'qqqq' is not a setting; known are"),
        ("depth = ", "is not TOML"),
        ('depth = "many"', "depth is 'many'; expected a whole number"),
        ("depth = 1.9", "expected a whole number"),
        ("depth = true", "expected a whole number"),
        ("offline = 1", "expected true or false"),
        ("model = 5", "expected a text"),
        ("depth = 0", "depth: 0 is below 1"),
        ('fusion = "rrf"', "'rrf' is not one of"),
        ("fusion_weight = 3.0", "not between 0 and 1"),
    ],
)
def test_a_wrong_file_is_a_usage_error_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    done = invoke("--config", str(file), "config")
    assert (done.code, message in done.err) == (2, True), done.err


def test_a_file_that_does_not_exist_or_is_not_text_is_a_usage_error(tmp_path: Path) -> None:
    assert "does not exist" in invoke("--config", str(tmp_path / "none.toml"), "config").err
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    done = invoke("--config", str(tmp_path / "binary.toml"), "config")
    assert (done.code, "cannot be read" in done.err) == (2, True)


def test_a_wrong_variable_is_a_usage_error() -> None:
    done = invoke("config", env={"RESIFT_DEPTH": "many"})
    assert (done.code, "RESIFT_DEPTH" in done.err) == (2, True), done.err


@pytest.mark.parametrize("given", [["--field", "title^3", "--field", "body"], ["--field", "title^3, body"]])
def test_an_option_given_several_times_is_one_value_with_commas(given: list[str]) -> None:
    assert json.loads(invoke("config", "--json", *given).out)["field"]["value"].replace(" ", "") == "title^3,body"


def test_a_list_of_fields_can_be_set_in_a_file_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('field = ["title^3", "body"]')
    from_file = invoke("config", "--json", "--config", str(tmp_path / "r.toml"))
    from_environment = invoke("config", "--json", env={"RESIFT_FIELD": "title^3,body"})
    assert all(json.loads(one.out)["field"]["value"] == "title^3,body" for one in (from_file, from_environment))


@pytest.mark.parametrize("columns", [60, 80])
def test_the_settings_fit_the_terminal_with_long_values_below_their_names(columns: int) -> None:
    template = "{title} {text} " + " ".join(f"{{field-{number}}}" for number in range(9)) + "\x1b[31m"
    variables = {"RESIFT_FUSION_WEIGHT": "0.25", "RESIFT_TEMPLATE": template}
    done = invoke("config", env={**variables, "COLUMNS": str(columns)})
    assert max(map(len, done.out.splitlines())) <= columns, done.out
    assert "".join(done.out.split()).count("{title}{text}{field-0}") == 1
    assert "\x1b" not in done.out
    plain = invoke("config", env=variables).out.splitlines()
    [line] = [line for line in plain if line.startswith("template")]
    assert "{field-8}" in line and line.endswith("RESIFT_TEMPLATE")
