"""The rules of CONTRIBUTING.md that no linter checks: sizes, versions, the ban of bare names, what docstrings name."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resift.retrieval import errors

ROOT = Path(__file__).parents[2]
FOLDERS = ("retrieval", "indexer", "rerank", "scripts", "examples", "demo")
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 300, 40, 6

LARGE_FUNCTIONS = {
    "rerank.cli.index:index": "a third of it is the help text, which has to be its docstring",
    "rerank.plugin.wrapper:_Wrapper.__init__": "the client, the reranker and the five options of a wrapped search",
}
"""Functions that may be longer or take more parameters, and why."""

UNNAMED_ERRORS = {
    "rerank.cli.toml_file:config_path": "the docstring is still to be completed",
    "rerank.scorers.load:choose_backend": "the docstring is still to be completed",
    "rerank.template:Template.names": "the docstring is still to be completed",
}
"""Public functions whose docstring does not name an error that they raise, and why."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the repository."""

    name: str  # module:qualified.name
    node: ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def lines(self) -> int:
        """From `def` to the last line; decorators do not count."""
        return (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1

    @property
    def parameters(self) -> int:
        """Without self and cls; *args and **kwargs count one each."""
        given = self.node.args
        named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        stars = [star for star in (given.vararg, given.kwarg) if star]
        return len([argument for argument in [*named, *stars] if argument.arg not in ("self", "cls")])

    @property
    def public(self) -> bool:
        """No part of the qualified name starts with an underscore; `__init__` is public."""
        parts = self.name.partition(":")[2].split(".")
        return all(part == "__init__" or not part.startswith("_") for part in parts)


def python_files(*folders: str) -> list[Path]:
    nested = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if ".work" not in path.parts]
    return sorted([*nested, *(ROOT / "resift").glob("*.py")])


def functions_of(source: str, module: str) -> Iterator[Function]:
    def walk(node: ast.AST, prefix: str) -> Iterator[Function]:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{prefix}{child.name}."
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield Function(f"{module}:{prefix}{child.name}", child)
            yield from walk(child, inner)

    yield from walk(ast.parse(source), "")


def functions() -> list[Function]:
    found: list[Function] = []
    for path in python_files(*FOLDERS):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found += functions_of(path.read_text(encoding="utf-8"), module)
    return found


def is_large(function: Function) -> bool:
    return function.lines > LONGEST_FUNCTION or function.parameters > MOST_PARAMETERS


def errors_raised(function: Function) -> set[str]:
    """Return resift's own errors that the function's body raises by name, outside functions and classes within it."""
    ours = {name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, Exception)}
    waiting: list[ast.AST] = list(function.node.body)
    found = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Raise):
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            found.add(ast.unparse(raised).split(".")[-1] if raised else "")
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return found & ours


def unnamed_errors(function: Function) -> set[str]:
    docstring = ast.get_docstring(function.node) or ""
    return {error for error in errors_raised(function) if not re.search(rf"\b{error}\b", docstring)}


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


def test_a_public_function_names_the_errors_that_it_raises_or_has_a_reason() -> None:
    unnamed = {function.name: unnamed_errors(function) for function in functions() if function.public}
    unnamed = {name: missing for name, missing in unnamed.items() if missing}
    assert {name: missing for name, missing in unnamed.items() if name not in UNNAMED_ERRORS} == {}
    assert set(UNNAMED_ERRORS) - set(unnamed) == set(), "these name their errors now: remove their rows"


def test_the_rules_see_what_is_too_large_and_what_is_not_named() -> None:
    source = "class A:\n    @property\n    def b(self, c, *d, e=1, **f):\n        '''Say.'''\n        raise ModelError('x')\n"
    [function] = functions_of(source, "m")
    assert (function.name, function.lines, function.parameters, function.public) == ("m:A.b", 3, 4, True)
    assert unnamed_errors(function) == {"ModelError"}


def test_the_newest_version_of_the_changelog_is_the_package_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    [newest, *_] = re.findall(r"^## \[?(\d[^\s\]]*)", changelog, flags=re.MULTILINE)
    assert newest == configuration()["project"]["version"] == importlib.metadata.version("resift")


def test_ruff_refuses_the_bare_names_everywhere() -> None:
    lint = configuration()["tool"]["ruff"]["lint"]
    banned = lint["flake8-tidy-imports"]["banned-api"]
    assert "TID251" in lint["select"] and set(banned) == {"retrieval", "indexer", "rerank"}
    ignored = [*lint["ignore"], *(rule for rules in lint["per-file-ignores"].values() for rule in rules)]
    assert [rule for rule in ignored if rule.startswith("TID")] == []
