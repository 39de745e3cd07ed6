"""Every command, option and setting is documented, and the help costs nothing."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from resift.rerank.cli.main import COMMANDS, cli
from resift.rerank.cli.settings_table import SETTINGS, parameter_name, settings_class
from scripts.write_commands import document

ROOT = Path(__file__).parents[2]
HEAVY = {
    "torch",
    "transformers",
    "onnxruntime",
    "numpy",
    "bm25s",
    "ir_measures",
    "rich",
    "tokenizers",
    "Stemmer",
    "datasets",
    "elasticsearch",
    "opensearchpy",
    "bs4",
}


def test_the_reference_of_commands_is_what_the_commands_say() -> None:
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == document(), "run: python -m scripts.write_commands"


@pytest.mark.parametrize("stage", SETTINGS)
def test_every_setting_has_a_help_text_and_is_in_the_reference(stage: str) -> None:
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(settings_class(stage)):
        assert field.metadata["help"].endswith(".")
        assert f"`--{parameter_name(field).replace('_', '-')}`" in written


def examples(help_text: str, command: str) -> list[str]:
    """Return the help's lines that run `command`: on their own, after a variable, or after a pipe."""
    return re.findall(rf"^ +(?:[A-Z_]+=\S+ |.+ \| )?resift {command}(?: .+)?$", help_text, flags=re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_of_itself(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert examples(result.output, command)


def test_a_mention_of_a_command_is_not_an_example() -> None:
    help_text = (
        "Usage: resift run [OPTIONS] INDEX\n\n  Like `resift run articles`, but\n  resift search articles soup\n"
    )
    assert examples(help_text, "run") == []


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_nothing_heavy(command: str) -> None:
    code = (
        "import sys\nfrom resift.rerank.cli.main import run\n"
        "assert run(sys.argv[1:]) == 0\nprint(*sorted(sys.modules), file=sys.stderr)"
    )
    arguments = [sys.executable, "-c", code, *command.split(), "--help"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: resift {command}".rstrip())
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert "click" in loaded
    assert loaded & HEAVY == set()
