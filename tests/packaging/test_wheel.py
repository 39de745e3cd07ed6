"""The wheel installs the one package `resift`, which works beside an application's own `retrieval` and `indexer`."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from resift.rerank.scorers.registry import MODELS
from tests.packaging.installing import ROOT, Installed

MOST_OF_MODELS = 60_000_000  # bytes
OWN = ("retrieval/__init__.py", "retrieval/errors.py", "indexer.py", "rerank/__init__.py")
QUERY = "how long do I cook soup from lentils"

PIPELINE = """
import sys
from resift import Pipeline, Query, Reranker, build_index, load_scorer, open_retriever, read_documents

build_index(read_documents("recipes.jsonl"), "recipes")
pipeline = Pipeline(open_retriever("bm25:recipes"), Reranker(load_scorer("resift-small")))
[result] = pipeline.search([Query("1", "how long do I cook soup from lentils")])
print(*(hit.document.doc_id for hit in result.ranking.hits))
assert not {"retrieval", "indexer", "rerank"} & set(sys.modules)
"""

WRAPPED_SEARCH = """
import json
import sys
from resift import Reranker, RerankingClient, RerankSettings, load_scorer


class Engine:
    '''A client whose engine finds all recipes, in the order of the file.'''

    def search(self, *, index=None, body=None, **more):
        sources = [json.loads(line) for line in open("recipes.jsonl")]
        hits = [{"_id": source["id"], "_score": 9.0 - n, "_source": source} for n, source in enumerate(sources)]
        return {"hits": {"max_score": 9.0, "hits": hits[: body["size"]]}}


reranker = Reranker(load_scorer("resift-small"), RerankSettings(fusion="none"))
client = RerankingClient(Engine(), reranker, fields=["title", "text"])
query = {"match": {"text": "how long do I cook soup from lentils"}}
found = client.search(index="recipes", body={"query": query, "size": 1})
print(found.resift.status, *(hit["_id"] for hit in found["hits"]["hits"]))
assert not {"retrieval", "indexer", "rerank"} & set(sys.modules)
"""

WHERE = """
import json
import sys
import resift
import resift.retrieval.errors

print(json.dumps([resift.__file__, resift.retrieval.errors.__file__, *sys.path]))
"""


def application(folder: Path, line: str) -> Path:
    """Make an application with modules of its own that are named as resift's folders, each with this one line."""
    for name in OWN:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"{line}\n", encoding="utf-8")
    recipes = [
        {"id": "r1", "title": "Soup bowls", "text": "Four bowls for soup, stew and cereal: soup, soup, soup."},
        {"id": "r2", "title": "Tomato salad", "text": "Slice ripe tomatoes, add basil, oil and salt. Do not cook."},
        {"id": "r3", "title": "Lentil soup", "text": "Simmer red lentils with onion and stock for twenty minutes."},
    ]
    lines = "".join(json.dumps(recipe) + "\n" for recipe in recipes)
    (folder / "recipes.jsonl").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an application whose own modules must not be imported by resift."""
    return application(tmp_path, "raise ImportError('this module is of the application')")


def members(wheel: Path) -> dict[str, int]:
    """Return the wheel's files outside its metadata, with their sizes in bytes."""
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    return {name: size for name, size in sizes.items() if not name.split("/")[0].endswith(".dist-info")}


def test_the_wheel_installs_resift_and_nothing_else(installed: Installed) -> None:
    assert {name.split("/")[0] for name in members(installed.wheel)} == {"resift"}
    added = {path.name for path in installed.site_packages.iterdir()} - {"dependencies.pth"}
    assert {name for name in added if not name.endswith(".dist-info")} == {"resift"}


def test_the_wheel_holds_the_types_the_model_and_the_licences_but_no_tests(installed: Installed) -> None:
    sizes = members(installed.wheel)
    assert "resift/py.typed" in sizes
    models = {PurePosixPath(name) for name in sizes if name.startswith("resift/rerank/models/")}
    assert {path.parent.name for path in models} == set(MODELS)
    for name in MODELS:
        files = {path.name for path in models if path.parent.name == name}
        assert files >= {"model.onnx", "proof.json", "resift.json", "vocab.txt", "config.json", "README.md"}
    assert sum(sizes[str(path)] for path in models) <= MOST_OF_MODELS
    assert [name for name in sizes if PurePosixPath(name).name.startswith("test") or "/tests/" in name] == []
    [metadata] = installed.site_packages.glob("resift-*.dist-info")
    for name in ("LICENSE", "NOTICE"):
        assert (metadata / "licenses" / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_wheel_holds_every_module_of_the_source_distribution(installed: Installed) -> None:
    with tarfile.open(installed.sdist) as archive:
        names = [PurePosixPath(*PurePosixPath(name).parts[1:]) for name in archive.getnames()]
    modules = {str(name) for name in names if name.suffix == ".py"}
    theirs = {f"resift/{name}" for name in modules if name.split("/")[0] in ("retrieval", "indexer", "rerank")}
    theirs |= {name for name in modules if name.startswith("resift/")}
    assert len(theirs) > 50 and theirs == {name for name in members(installed.wheel) if name.endswith(".py")}
    assert "tests/packaging/test_wheel.py" in modules


def test_resift_is_imported_from_the_wheel_and_the_checkout_is_not_on_the_path(
    installed: Installed, folder: Path
) -> None:
    face, errors, *path = json.loads(installed.run(["-c", WHERE], folder))
    assert Path(face) == installed.site_packages / "resift" / "__init__.py"
    assert Path(errors) == installed.site_packages / "resift" / "retrieval" / "errors.py"
    assert str(ROOT) not in path and path[0] in ("", str(folder))


def test_the_commands_work_beside_the_applications_own_modules(installed: Installed, folder: Path) -> None:
    installed.run(["-m", "resift", "index", "recipes.jsonl", "--to", "bm25:recipes"], folder)
    found = json.loads(installed.run(["-m", "resift", "search", "bm25:recipes", QUERY, "--json"], folder))
    assert found["hits"][0]["doc_id"] == "r3"
    script = installed.python.with_name("resift")
    assert installed.run([str(script), "--version"], folder).startswith("resift, version 0.")


@pytest.mark.parametrize(("program", "printed"), [(PIPELINE, "r3 "), (WRAPPED_SEARCH, "reranked r3\n")])
def test_programs_work_beside_the_applications_own_modules(
    installed: Installed, folder: Path, program: str, printed: str
) -> None:
    assert installed.run(["-c", program], folder).startswith(printed)


def test_an_application_imports_its_own_modules(installed: Installed, tmp_path: Path) -> None:
    folder = application(tmp_path, "OWNER = 'the application'")
    program = (
        "import resift.rerank.cli.main, retrieval, retrieval.errors, indexer, rerank\n"
        "print(*{module.OWNER for module in (retrieval, retrieval.errors, indexer, rerank)})"
    )
    assert installed.run(["-c", program], folder) == "the application\n"
