"""The public face: nineteen names, loaded when they are first used, and the only ones that the documentation imports."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import resift

ROOT = Path(__file__).parents[2]
FACE = ROOT / "resift" / "__init__.py"
HEAVY = {"numpy", "torch", "click", "onnxruntime", "transformers", "elasticsearch", "opensearchpy"}
DOCUMENTS = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
EXAMPLES = [f"examples/{path.name}" for path in sorted((ROOT / "examples").glob("*.py"))]


def imports_for_type_checkers() -> dict[str, str]:
    """Return name -> module of the imports under `if TYPE_CHECKING`."""
    blocks = [node for node in ast.parse(FACE.read_text(encoding="utf-8")).body if isinstance(node, ast.If)]
    [block] = [node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len(block.body)
    return {alias.asname or alias.name: node.module or "" for node in imports for alias in node.names}


HOMES = imports_for_type_checkers()
"""Public name -> the module that defines it, as type checkers read it."""


def deep_imports(text: str) -> list[str]:
    """Return the lines that import from within resift, with or without a prompt before them."""
    found = re.findall(r"^[\s>.]*((?:from|import) resift\.\w.*)$", text, flags=re.MULTILINE)
    return [line.strip() for line in found]


def names_imported(text: str) -> set[str]:
    """Return the names that a text imports from resift itself."""
    lists = re.findall(r"^[\s>.]*from resift import (?:\(([^)]*)\)|([^(#\n]+))", text, flags=re.MULTILINE)
    return {name.split()[0] for pair in lists for name in "".join(pair).split(",") if name.strip()}


def test_the_face_has_the_nineteen_names() -> None:
    assert len(resift.__all__) == 19 and set(resift.__all__) == set(HOMES)


def test_type_checkers_and_programs_find_each_name_in_the_same_module() -> None:
    assert {name: f"resift.{module}" for name, module in resift._HOMES.items()} == HOMES


@pytest.mark.parametrize("name", HOMES)
def test_each_name_is_what_its_module_defines(name: str) -> None:
    found = getattr(resift, name)
    assert found is getattr(importlib.import_module(HOMES[name]), name)
    assert found.__module__ == HOMES[name]


def test_the_names_are_listed_before_they_are_loaded_and_importing_resift_loads_nothing_heavy() -> None:
    code = "import sys, resift\nprint(*dir(resift))\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    listed, loaded = (set(line.split()) for line in done.stdout.splitlines())
    assert {name for name in listed if not name.startswith("__")} == set(HOMES)
    assert "resift" in loaded and {name.split(".")[0] for name in loaded} & HEAVY == set()
    assert [name for name in loaded if name.startswith("resift.")] == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'resift' has no attribute 'Rerankr'"):
        _ = resift.Rerankr  # type: ignore[attr-defined]  # mypy must report it as well


@pytest.mark.parametrize("name", [*DOCUMENTS, *EXAMPLES])
def test_what_users_copy_imports_from_resift_alone(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert deep_imports(text) == []
    assert names_imported(text) <= set(HOMES)


def test_an_import_from_within_resift_is_seen_also_in_an_indented_block() -> None:
    text = "    >>> from resift.retrieval.types import Hit\n    from resift import (\n        Hit,\n        Query as Q,\n    )\n"
    assert deep_imports(text) == ["from resift.retrieval.types import Hit"]
    assert names_imported(text + "from resift import Pipeline, Ranking  # both\n") == {
        "Hit",
        "Query",
        "Pipeline",
        "Ranking",
    }


def test_the_changelog_names_modules_that_exist() -> None:
    moved = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("### Moved modules")[1].split("\n## ")[0]
    modules = set(re.findall(r"`(resift\.[\w.]+\w)`", moved))
    assert len(modules) > 30
    assert {name for name in modules if importlib.util.find_spec(name) is None} == set()


def test_the_version_is_that_of_the_installed_package() -> None:
    assert resift.__version__ == importlib.metadata.version("resift")
    assert "__version__" in dir(resift)
