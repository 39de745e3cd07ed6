"""Write the docstrings of the running Python's standard library as a judged collection in a BEIR folder.

`python demo/corpus.py FOLDER` writes corpus.jsonl (one document for every module, class, function and method
that has a docstring) and copies the demo's queries.jsonl and qrels/test.tsv beside it. It needs only Python.
Python code is parsed and never imported; C code is read with `inspect` from the modules in COMPILED.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import shutil
import sys
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
SHORTEST = 3
"""Words; a docstring with fewer words, such as "Internal function.", is not used as a document."""

SKIPPED = frozenset(
    "__phello__ distutils encodings ensurepip idlelib lib2to3 msilib ntpath nt nturl2path pydoc_data sre_compile "
    "sre_constants sre_parse test tests turtledemo".split()
)
"""Files and folders that are not documentation for users, or are a copy of other modules."""

RENAMED = {"posixpath": "os.path", "genericpath": "os.path", "_collections_abc": "collections.abc"}
"""Module with the code -> module that users import."""

COMPILED = (
    "array asyncio atexit binascii bisect builtins bz2 cProfile cmath codecs collections contextvars csv datetime "
    "decimal errno fcntl fractions functools gc getpass hashlib heapq hmac inspect io itertools json locale lzma "
    "marshal math mmap multiprocessing operator os pickle pwd queue random re resource secrets select selectors "
    "shutil signal socket sqlite3 ssl statistics string struct subprocess sys tempfile threading time tracemalloc "
    "types unicodedata uuid weakref xml.etree.ElementTree zlib"
).split()
"""Modules to import for their C code; importing them only defines names. Those this interpreter lacks are skipped."""

PROPERTIES = frozenset(["property", "cached_property", "setter", "DynamicClassAttribute"])
"""Decorators of methods that are used without parentheses."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Entry:
    """One documented name; `kind` is module, class, function or method (a property counts as a method)."""

    doc_id: str
    kind: str
    module: str
    signature: str
    docstring: str

    def row(self) -> dict[str, object]:
        """Return a BEIR document; its last sentence splits the dotted name, which some tokenizers keep whole."""
        name = self.doc_id.rpartition(".")[2]
        where = self.doc_id.removeprefix(f"{self.module}.").rpartition(".")[0]
        place = f"the class {where} in the module {self.module}" if where else f"the module {self.module}"
        context = f"{name} is a {self.kind} of {place}." if self.kind != "module" else f"{self.doc_id} is a module."
        return {
            "_id": self.doc_id,
            "title": self.doc_id + self.signature,
            "text": f"{self.docstring}\n\n{context}",
            "metadata": {"kind": self.kind, "module": self.module},
        }


def entries() -> list[Entry]:
    """Return all entries of the running interpreter's standard library, sorted by doc_id.

    Raises FileNotFoundError if the library's source is not on disk (an embedded or frozen interpreter).
    """
    found: dict[str, Entry] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about deprecated modules and in the library's own source
        for entry in (*parsed(Path(sysconfig.get_path("stdlib"))), *inspected(COMPILED)):
            if len(entry.docstring.split()) >= SHORTEST:
                found.setdefault(entry.doc_id, entry)
    return _distinct(found.values())


def _distinct(found: Iterable[Entry]) -> list[Entry]:
    """Of entries with the same last name and the same docstring, keep the one with the shortest dotted name."""
    kept: dict[tuple[str, str], Entry] = {}
    for entry in sorted(found, key=lambda entry: (entry.doc_id.count("."), entry.doc_id)):
        kept.setdefault((entry.doc_id.rpartition(".")[2], entry.docstring), entry)
    return sorted(kept.values(), key=lambda entry: entry.doc_id)


def parsed(library: Path) -> Iterator[Entry]:
    """Yield the entries of every module below `library`, each in the module with the shortest name that exports it.

    Raises FileNotFoundError if `library` has no source.
    """
    trees = {name: ast.parse(path.read_bytes()) for name, path in _sources(library)}
    if "os" not in trees:
        raise FileNotFoundError(f"{library} has no os.py: expected the standard library's source; run another Python")
    public = _shortest_names(trees)
    for module, tree in trees.items():
        name = RENAMED.get(module, module)
        if not _private(name):
            yield Entry(name, "module", name, "", ast.get_docstring(tree) or "")
        for node in _statements(tree.body):
            if not isinstance(node, ast.ClassDef | Function) or _private(node.name):
                continue
            home = public.get((module, node.name), module)
            home = RENAMED.get(home, home)
            if not _private(home):
                yield from _definition(node, home)


def _sources(library: Path) -> Iterator[tuple[str, Path]]:
    """Yield (dotted name, file) of the library's modules, sorted by name."""
    names = {}
    for path in library.rglob("*.py"):
        parts = path.relative_to(library).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts and parts[0] in sys.stdlib_module_names and not SKIPPED.intersection(parts):
            names[".".join(parts)] = path
    yield from sorted(names.items())


def _private(dotted: str) -> bool:
    return any(part.startswith("_") for part in dotted.split("."))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of `body` in order, with those of its `if` and `try` branches."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            handled = [statement for handler in getattr(node, "handlers", []) for statement in handler.body]
            yield from _statements([*node.body, *handled, *node.orelse])


def _listed(tree: ast.Module) -> set[str]:
    """Return the names in `__all__` that are written as string constants in its assignment."""
    assigned = [node for node in _statements(tree.body) if isinstance(node, ast.Assign)]
    values = [node.value for node in assigned if any(ast.unparse(target) == "__all__" for target in node.targets)]
    constants = (node.value for value in values for node in ast.walk(value) if isinstance(node, ast.Constant))
    return {constant for constant in constants if isinstance(constant, str)}


def _defined(tree: ast.Module) -> set[str]:
    """Return the public functions and classes that `tree` defines."""
    names = {str(getattr(node, "name", "_")) for node in _statements(tree.body)}
    return {name for name in names if not name.startswith("_")}


def _shortest_names(trees: dict[str, ast.Module]) -> dict[tuple[str, str], str]:
    """Return (module, name) -> the module with the shortest name that re-exports it, for all re-exported names."""
    best: dict[tuple[str, str], str] = {}
    for module, tree in trees.items():
        for source, name in () if _private(module) else _re_exported(module, tree, trees):
            known = best.get((source, name))
            if known is None or (known.count("."), known) > (module.count("."), module):
                best[source, name] = module
    return best


def _re_exported(module: str, tree: ast.Module, trees: dict[str, ast.Module]) -> Iterator[tuple[str, str]]:
    """Yield (source module, name) for what `module` re-exports from its submodules and from private modules."""
    listed = _listed(tree)
    for node in _statements(tree.body):
        source = _source(module, node, trees) if isinstance(node, ast.ImportFrom) else ""
        if not isinstance(node, ast.ImportFrom) or source not in trees:
            continue
        star = node.names[0].name == "*"
        names = _listed(trees[source]) or _defined(trees[source]) if star else {alias.name for alias in node.names}
        if not source.startswith(f"{module}."):
            names = names if source.startswith("_") and star else names & listed
        yield from ((source, name) for name in names)
    for source in trees:  # names that a package loads on first use: concurrent.futures.ThreadPoolExecutor
        if source.rpartition(".")[0] == module:
            yield from ((source, name) for name in (listed - _defined(tree)) & _defined(trees[source]))


def _source(module: str, node: ast.ImportFrom, trees: dict[str, ast.Module]) -> str:
    """Return the absolute name of the module from which `node`, a statement in `module`, imports."""
    package = module if any(name.startswith(f"{module}.") for name in trees) else module.rpartition(".")[0]
    return importlib.util.resolve_name("." * node.level + (node.module or ""), package)


def _definition(node: ast.ClassDef | Function, home: str) -> Iterator[Entry]:
    """Yield a function, or a class and its public methods."""
    doc_id = f"{home}.{node.name}"
    if not isinstance(node, ast.ClassDef):
        yield Entry(doc_id, "function", home, _arguments(node), ast.get_docstring(node) or "")
        return
    methods = [n for n in _statements(node.body) if isinstance(n, Function)]
    start = next((method for method in methods if method.name in ("__init__", "__new__")), None)
    texts = [ast.get_docstring(part) or "" for part in (node, start) if part]
    signature = _arguments(start, bound=True) if start else ""
    yield Entry(doc_id, "class", home, signature, "\n\n".join(text for text in texts if text))
    for method in methods:
        if not _private(method.name):
            shown = "" if PROPERTIES & _decorators(method) else _arguments(method, bound=True)
            yield Entry(f"{doc_id}.{method.name}", "method", home, shown, ast.get_docstring(method) or "")


def _decorators(node: Function) -> set[str]:
    return {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}


def _arguments(node: Function, bound: bool = False) -> str:
    """Return "(path, mode=511)": the parameters as written, without annotations and without self."""
    arguments = node.args
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    if bound and "staticmethod" not in _decorators(node):
        del (arguments.posonlyargs or arguments.args)[:1]
        surplus = len(arguments.defaults) - len(arguments.posonlyargs) - len(arguments.args)
        del arguments.defaults[: max(0, surplus)]
    return f"({ast.unparse(arguments)})"


def inspected(modules: Iterable[str]) -> Iterator[Entry]:
    """Yield the entries that importing `modules` finds; some of them were already found by `parsed`."""
    for name in modules:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        yield Entry(name, "module", name, "", _docstring(module))
        for member, value in sorted(vars(module).items()):
            if not member.startswith("_") and member in getattr(module, "__all__", [member]):
                yield from _member(module, member, value)


def _member(module: ModuleType, member: str, value: object) -> Iterator[Entry]:
    """Yield a function, or a class and its methods, with those inherited from a private base class."""
    if not callable(value) or _defined_elsewhere(value, module):
        return
    home = module.__name__
    prefix = member if home == "builtins" else f"{home}.{member}"
    if not isinstance(value, type):
        yield Entry(prefix, "function", home, _signature(value), _docstring(value))
        return
    if member != value.__name__ and getattr(module, value.__name__, None) is value:
        return  # an alias of the class, such as IOError
    yield Entry(prefix, "class", home, _signature(value), _docstring(value))
    for base in value.__mro__ if member == value.__name__ else ():
        if base is object or (base is not value and not base.__module__.startswith("_")):
            continue
        for name, method in sorted(vars(base).items()):
            if not name.startswith("_") and (inspect.isroutine(method) or inspect.isdatadescriptor(method)):
                yield Entry(f"{prefix}.{name}", "method", home, _signature(method), _docstring(method))


def _defined_elsewhere(value: object, module: ModuleType) -> bool:
    """Return whether `value` belongs to another public module, as `os.sys` and `socket.IntEnum` do."""
    home = getattr(value, "__module__", None) or module.__name__
    return home not in (module.__name__, "posix", "nt") and home[0] != "_" and "__all__" not in vars(module)


def _docstring(value: object) -> str:
    text = getattr(value, "__doc__", None)
    return inspect.cleandoc(text) if isinstance(text, str) else ""


def _signature(value: object) -> str:
    """Return a signature such as "(iterable, /, *, key=None)"; "" if it is unknown or has a memory address."""
    if not callable(value) or inspect.isdatadescriptor(value):
        return ""
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except (AttributeError, TypeError, ValueError):  # AttributeError: Python 3.13, if a default is a named constant
        return ""
    if parameters and parameters[0].name in ("self", "type"):
        parameters = parameters[1:]
    text = str(inspect.Signature([p.replace(annotation=inspect.Parameter.empty) for p in parameters]))
    return "" if " at 0x" in text or "<" in text else text.replace("(/, ", "(")


def write(folder: Path) -> int:
    """Write the collection into `folder`, without judgements of missing documents; return the number of documents."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    found = entries()
    with (folder / "corpus.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(entry.row(), ensure_ascii=False) + "\n" for entry in found)
    shutil.copyfile(HERE / "queries.jsonl", folder / "queries.jsonl")
    known = {"corpus-id", *(entry.doc_id for entry in found)}
    judged = (HERE / "qrels/test.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    with (folder / "qrels/test.tsv").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line for line in judged if line.split("\t")[1] in known)
    return len(found)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-") or Path(sys.argv[1]).resolve() == HERE.resolve():
        sys.exit("usage: python demo/corpus.py OUTPUT_FOLDER")
    sys.stdout.write(f"{write(Path(sys.argv[1]))} documents in {sys.argv[1]}\n")
