"""The rules of CONTRIBUTING.md that no linter checks: sizes, versions, the ban of bare names."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from typing import Any

from tests.docs.functions import FOLDERS, ROOT, Function, functions, functions_of, python_files

LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 300, 40, 6

LARGE_FUNCTIONS = {
    "rerank.plugin.wrapper:_RerankingClient.__init__": "the client, the reranker and the six options of a wrapped search",
}
"""Functions that may be longer or take more parameters, and why."""


def is_large(function: Function) -> bool:
    return function.lines > LONGEST_FUNCTION or function.parameters > MOST_PARAMETERS


def configuration() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in python_files(*FOLDERS, "tests")}
    assert len(lengths) > 100
    assert {str(path): lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_a_function_has_at_most_40_lines_and_6_parameters_or_a_reason() -> None:
    large = {function.name: (function.lines, function.parameters) for function in functions() if is_large(function)}
    assert {name: size for name, size in large.items() if name not in LARGE_FUNCTIONS} == {}
    assert set(LARGE_FUNCTIONS) - set(large) == set(), "these are small enough now: remove their rows"


def test_the_size_of_a_function_is_counted_without_decorators_and_self() -> None:
    source = "class A:\n    @property\n    def b(self, c, *d, e=1, **f):\n        '''Say.'''\n        raise ModelError('x')\n"
    [function] = functions_of(source, "m")
    assert (function.name, function.lines, function.parameters, function.public) == ("m:A.b", 3, 4, True)


def test_the_newest_version_of_the_changelog_is_the_package_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    [newest, *_] = re.findall(r"^## \[?(\d[^\s\]]*)", changelog, flags=re.MULTILINE)
    assert newest == configuration()["project"]["version"] == importlib.metadata.version("resift")


def test_ruff_refuses_the_bare_names_everywhere() -> None:
    lint = configuration()["tool"]["ruff"]["lint"]
    banned = lint["flake8-tidy-imports"]["banned-api"]
    assert "TID251" in lint["select"] and set(banned) >= {"retrieval", "indexer", "rerank"}
    ignored = [*lint["ignore"], *(rule for rules in lint["per-file-ignores"].values() for rule in rules)]
    assert [rule for rule in ignored if rule.startswith("TID")] == []
