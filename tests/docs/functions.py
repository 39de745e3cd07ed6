"""Read the repository's functions from its source files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("retrieval", "indexer", "rerank", "scripts", "examples", "demo")


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
