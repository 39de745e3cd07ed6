"""Messages of the library name settings, which the command line shows as its options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import click

from resift.rerank.cli.main import COMMANDS, cli
from resift.rerank.cli.messages import with_flags
from resift.rerank.cli.settings_table import flags
from tests.docs.functions import ROOT, python_files
from tests.docs.test_docstrings import docstrings

FLAG = re.compile(r"(?<![\w-])--[a-z]")
WHOLE_COMMAND = re.compile(r"`resift [^`]*`|hf download [^ ]* --local-dir FOLDER")
"""A command that can be pasted into a shell is shown as it is typed there."""

ALLOWED = {
    "rerank/attach/ways.py": "the commands of a plan",
    "rerank/attach/connection_options.py": "the commands of a plan",
    "rerank/evaluation/page.py": "names of CSS variables",
}
"""File -> why its strings may contain what looks like an option."""


def messages(tree: ast.Module) -> Iterator[str]:
    """Yield the strings of a file without docstrings and help texts; the parts of an f-string as one, {} for values."""
    prose = set(docstrings(tree))
    helps = {id(inner) for node in ast.walk(tree) if is_setting(node) for inner in ast.walk(node)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in helps:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | {0}:
            yield "" if node.value in prose else node.value


def is_setting(node: ast.AST) -> bool:
    """Return whether `node` declares a field of a settings class, whose text is the help of its option."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "setting"


def flags_named(tree: ast.Module) -> list[str]:
    return [text for text in messages(tree) if FLAG.search(WHOLE_COMMAND.sub("", text))]


def test_no_message_of_the_library_names_an_option_of_the_command_line() -> None:
    found = {}
    for path in python_files("retrieval", "indexer", "rerank"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("rerank/cli/") and name not in ALLOWED:
            found[name] = flags_named(ast.parse(path.read_text(encoding="utf-8")))
    assert len(found) > 80
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_an_option_in_a_message_is_found_and_one_in_a_help_text_or_a_whole_command_is_not() -> None:
    source = (
        "def a(x):\n    '''Set --b.'''\n    y: int = setting(1, 'Set --c.')\n"
        "    raise ValueError(f'{x}: set --d')\n    return f'run `resift index {x} --to y`', 'a -- b', 'in--e'\n"
    )
    assert flags_named(ast.parse(source)) == ["{}: set --d"]


def test_the_command_line_shows_the_option_of_each_setting_that_a_message_names() -> None:
    given = "set `rank_window_size`, `html=keep`, `keep_promoted=False`, `overwrite=True` or `run_file`; `other` stays"
    shown = "set --window, --html keep, --no-keep-promoted, --overwrite or --run; `other` stays"
    assert with_flags(given) == shown


def test_each_option_that_stands_for_a_setting_exists() -> None:
    context = click.Context(cli)
    commands = [cli.get_command(context, command) for command in COMMANDS]
    options = {option for command in commands if command for one in command.params for option in one.opts}
    assert set(flags().values()) - options == set()
