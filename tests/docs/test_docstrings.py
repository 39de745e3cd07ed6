"""Docstrings name what exists: the parameters and other code in backticks, and the errors that a function raises."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import keyword
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import resift
from resift.retrieval import errors
from tests.docs.functions import FOLDERS, ROOT, Function, functions, functions_of, python_files

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
    "mine_hard_negatives": "sentence-transformers",
    "ndcg_score": "scikit-learn",
    "seed": "the hyper-parameters of sentence-transformers' trainer",
    "bm25s.BM25.load": "bm25s",
    "BertForSequenceClassification.forward": "transformers",
    "reranking.py": "sentence-transformers",
    "socket.IntEnum": "the demo's corpus, the standard library",
    "com.microsoft": "ONNX Runtime's operators",
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


def dotted_names_in_docstrings(tree: ast.Module) -> set[str]:
    return {name for text in docstrings(tree) for name in re.findall(r"(?<!`)`([A-Za-z_]\w*(?:\.\w+)+)`(?!`)", text)}


def members(tree: ast.Module) -> set[str]:
    """Return "Class.member" for each method, field and property that a class of a file declares or assigns."""
    found = set()
    for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for node in ast.walk(owner):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(f"{owner.name}.{node.name}")
            elif isinstance(node, ast.AnnAssign | ast.Assign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {f"{owner.name}.{ast.unparse(target).removeprefix('self.')}" for target in targets}
    return found


def dotted_names_in_code(trees: Mapping[str, ast.Module]) -> set[str]:
    """Return what `trees` (dotted path of a module -> its syntax tree) define, with every end of its dotted path.

    For rerank/pipeline.py: resift.rerank.pipeline, rerank.pipeline, pipeline.py, pipeline.Pipeline.search, and so on.
    """
    found = set()
    for module, tree in trees.items():
        inside = definitions(tree) | members(tree)
        parts = ["resift", *module.split(".")]
        paths = [".".join(parts[start:]) for start in range(len(parts))]
        found |= {*paths, *inside, f"{parts[-1]}.py"}
        found |= {f"{path}.{name}" for path in paths for name in inside}
    return found


def is_attribute(name: str, tree: ast.Module, known: set[str]) -> bool:
    """Return whether `name` is a variable or file of `tree` with a member that one of our classes has."""
    first, *rest = name.split(".")
    ours = names_in_code(tree)
    return first[0].islower() and first in ours and set(rest) <= ours | {one.split(".")[-1] for one in known}


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


def test_a_public_function_names_the_errors_that_it_raises() -> None:
    unnamed = {function.name: unnamed_errors(function) for function in functions() if function.public}
    assert {name: missing for name, missing in unnamed.items() if missing} == {}


def test_an_error_that_a_docstring_does_not_name_is_found() -> None:
    [function] = functions_of("def b():\n    '''Say.'''\n    raise ModelError('x')\n", "m")
    assert unnamed_errors(function) == {"ModelError"}


def test_a_name_in_backticks_exists_in_its_file_or_is_defined_in_another() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in python_files(*FOLDERS)}
    known = {path.stem for path in trees} | set(FOLDERS) | set(NAMES_OF_OTHERS) | set(keyword.kwlist)
    known = known.union(*(definitions(tree) for tree in trees.values()))
    stale = {str(path): names_in_docstrings(tree) - names_in_code(tree) - known for path, tree in trees.items()}
    assert {path: names for path, names in stale.items() if names} == {}


def test_a_dotted_name_in_backticks_is_a_module_or_what_it_defines() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in python_files(*FOLDERS)}
    paths = {path: path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in trees}
    by_module = {paths[path].removesuffix(".__init__"): tree for path, tree in trees.items()}
    known = dotted_names_in_code(by_module) | set(NAMES_OF_OTHERS)
    stale = {
        str(path): {name for name in dotted_names_in_docstrings(tree) - known if not is_attribute(name, tree, known)}
        for path, tree in trees.items()
    }
    assert {path: names for path, names in stale.items() if names} == {}


def test_a_class_member_and_an_attribute_that_do_not_exist_are_found() -> None:
    tree = ast.parse(
        "class A:\n    kept: int\n\ndef b(a):\n    '''`A.kept`, `A.lost`, `m.A`, `m.B`, `a.kept`, `a.gone`.'''\n"
    )
    known = dotted_names_in_code({"room.m": tree})
    stale = {name for name in dotted_names_in_docstrings(tree) - known if not is_attribute(name, tree, known)}
    assert stale == {"A.lost", "m.B", "a.gone"}


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
