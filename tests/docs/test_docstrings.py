"""Docstrings name what exists: the parameters and other code in backticks, and the errors that a function raises."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import keyword
import re
from collections.abc import Callable
from typing import Any

import pytest

import resift
from resift.retrieval import errors
from tests.docs.functions import FOLDERS, Function, functions, functions_of, python_files

UNNAMED_ERRORS: dict[str, str] = {}
"""Public functions whose docstring does not name an error that they raise, and why."""

NAMES_OF_OTHERS = {
    "AsyncElasticsearch": "elasticsearch",
    "AsyncOpenSearch": "opensearch-py",
    "CrossEncoderNanoBEIREvaluator": "sentence-transformers",
    "CrossEncoderRerankingEvaluator": "sentence-transformers",
    "always_rerank_positives": "sentence-transformers",
    "ignore_identical_ids": "BEIR",
    "lucene": "bm25s",
    "_score": "the engines' responses",
    "average_precision_score": "scikit-learn",
    "ndcg_score": "scikit-learn",
    "sbert_ce_default_activation_function": "the configuration of old sentence-transformers models",
}
"""Names in backticks that are not in our code, and who has them."""


def names_in_code(tree: ast.Module) -> set[str]:
    """Return the identifiers of a file, and the words of its strings other than docstrings."""
    found: set[str] = set()
    prose = set(docstrings(tree))
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "module"):
            value = getattr(node, field, None)
            found.update(value.split(".") if isinstance(value, str) else ())
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in prose:
            found.update(re.findall(r"\w+", node.value))
    return found


def definitions(tree: ast.Module) -> set[str]:
    """Return the functions, classes and constants that a file defines outside of functions and classes."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def docstrings(tree: ast.Module) -> list[str]:
    """Return the strings that are statements: docstrings of modules, classes, functions and constants."""
    lines = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return [line.value for line in lines if isinstance(line, ast.Constant) and isinstance(line.value, str)]


def names_in_docstrings(tree: ast.Module) -> set[str]:
    return {name for text in docstrings(tree) for name in re.findall(r"(?<!`)`([A-Za-z_]\w*)`(?!`)", text)}


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


def public_callables() -> dict[str, Callable[..., Any]]:
    """Return the functions of the public face, and the constructors and public methods that its classes define."""
    found: dict[str, Callable[..., Any]] = {}
    for name in resift.__all__:
        thing = getattr(resift, name)
        if inspect.isfunction(thing):
            found[name] = thing
        elif not dataclasses.is_dataclass(thing) and not issubclass(thing, Exception):
            for member, value in inspect.getmembers(thing, inspect.isfunction):
                if value.__module__.startswith("resift.") and (member == "__init__" or member[0] != "_"):
                    found[f"{name}.{member}"] = value
    return found


def test_a_public_function_names_the_errors_that_it_raises_or_has_a_reason() -> None:
    unnamed = {function.name: unnamed_errors(function) for function in functions() if function.public}
    unnamed = {name: missing for name, missing in unnamed.items() if missing}
    assert {name: missing for name, missing in unnamed.items() if name not in UNNAMED_ERRORS} == {}
    assert set(UNNAMED_ERRORS) - set(unnamed) == set(), "these name their errors now: remove their rows"


def test_an_error_that_a_docstring_does_not_name_is_found() -> None:
    [function] = functions_of("def b():\n    '''Say.'''\n    raise ModelError('x')\n", "m")
    assert unnamed_errors(function) == {"ModelError"}


def test_a_name_in_backticks_exists_in_its_file_or_is_defined_in_another() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in python_files(*FOLDERS)}
    known = {path.stem for path in trees} | set(FOLDERS) | set(NAMES_OF_OTHERS) | set(keyword.kwlist)
    known = known.union(*(definitions(tree) for tree in trees.values()))
    stale = {str(path): names_in_docstrings(tree) - names_in_code(tree) - known for path, tree in trees.items()}
    assert {path: names for path, names in stale.items() if names} == {}


def test_a_parameter_that_was_renamed_is_found_in_the_docstring() -> None:
    tree = ast.parse("def b(new):\n    '''Return `old` and `new`.'''\n    return new\n")
    assert names_in_docstrings(tree) - names_in_code(tree) - definitions(tree) == {"old"}


@pytest.mark.parametrize("name", public_callables())
def test_the_public_face_documents_its_parameters(name: str) -> None:
    function = public_callables()[name]
    docstring = inspect.getdoc(function) or ""
    parameters = inspect.signature(function).parameters.values()
    named = {one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)} - {"self"}
    assert {parameter for parameter in named if not re.search(rf"\b{parameter}\b", docstring)} == set()
