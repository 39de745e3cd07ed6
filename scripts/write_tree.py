"""Write the tree of files in ARCHITECTURE.md from the files' own first lines: `python -m scripts.write_tree`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "ARCHITECTURE.md"
PACKAGES = ("retrieval", "indexer", "rerank")
_WIDTH = 26


def tree() -> str:
    """Return one line per module of the three packages: its name, and the first line of its docstring."""
    face = _line("resift/", "The one installed package: its public names, and links to the three folders below.", 0)
    return "\n".join([face, *(line for package in PACKAGES for line in _folder(ROOT / package, 0))])


def with_tree(text: str) -> str:
    """Return the document with its first fenced block replaced by the tree."""
    before, _, rest = text.partition("```\n")
    _, _, after = rest.partition("```\n")
    return f"{before}```\n{tree()}\n```\n{after}"


def _folder(folder: Path, depth: int) -> Iterator[str]:
    yield _line(f"{folder.name}/", _first_line(folder / "__init__.py"), depth)
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield _line(path.name, _first_line(path), depth + 1)
    for path in sorted(folder.iterdir()):
        if (path / "__init__.py").is_file():
            yield from _folder(path, depth + 1)
        elif path.name == "models":
            yield _line("models/", "The rerankers in the package, a folder each with its card.", depth + 1)


def _line(name: str, text: str, depth: int) -> str:
    indent = "  " * depth
    return f"{indent}{name:<{_WIDTH - len(indent)}}{text}".rstrip()


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.splitlines()[0] if docstring else ""


if __name__ == "__main__":
    TARGET.write_text(with_tree(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
