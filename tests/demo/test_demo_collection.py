"""The demo's judged collection: the extracted documents and their judgements."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "demo"
SCRIPT = """
import runpy, sys
sys.argv = ["corpus.py", sys.argv[1]]
runpy.run_path({path!r}, run_name="__main__")
print(*sorted(sys.modules))
"""


@dataclass(frozen=True)
class Extraction:
    """The result of one run of the extractor: the raw corpus, its rows by id, the imported modules."""

    folder: Path
    raw: bytes
    rows: dict[str, dict[str, object]]
    modules: frozenset[str]


def start(folder: Path, seed: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", SCRIPT.format(path=str(DEMO / "corpus.py")), str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def extractions(tmp_path_factory: pytest.TempPathFactory) -> list[Extraction]:
    """Run the extractor twice, with different hash seeds, at the same time."""
    folders = [tmp_path_factory.mktemp("demo") for _ in range(2)]
    runs = [start(folder, seed) for folder, seed in zip(folders, ("1", "2"), strict=True)]
    found = []
    for folder, run in zip(folders, runs, strict=True):
        output, complaint = run.communicate(timeout=120)
        assert (run.returncode, complaint) == (0, "")
        raw = (folder / "corpus.jsonl").read_bytes()
        rows = [json.loads(line) for line in raw.splitlines()]
        assert len({row["_id"] for row in rows}) == len(rows), "two documents have the same id"
        modules = frozenset(output.splitlines()[-1].split())
        found.append(Extraction(folder, raw, {row["_id"]: row for row in rows}, modules))
    return found


def judgements(path: Path) -> list[tuple[str, str, int]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "query-id\tcorpus-id\tscore"
    return [(query_id, doc_id, int(grade)) for query_id, doc_id, grade in (line.split("\t") for line in lines[1:])]


def queries() -> dict[str, str]:
    lines = (DEMO / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len({row["_id"] for row in rows}) == len(rows)
    return {row["_id"]: row["text"] for row in rows}


def test_the_library_gives_several_thousand_documents(extractions: list[Extraction]) -> None:
    assert 4000 <= len(extractions[0].rows) <= 9000


def test_every_document_has_a_title_a_text_a_kind_and_a_module(extractions: list[Extraction]) -> None:
    for doc_id, row in extractions[0].rows.items():
        metadata = row["metadata"]
        assert isinstance(metadata, dict)
        assert str(row["title"]).startswith(doc_id)
        assert len(str(row["text"]).split()) >= 3
        assert metadata["kind"] in {"module", "class", "function", "method"}
        assert metadata["module"]


@pytest.mark.parametrize(
    ("doc_id", "kind", "module", "words"),
    [
        ("shutil.rmtree", "function", "shutil", "delete a directory tree"),
        ("itertools.chain", "class", "itertools", "elements from the first iterable"),
        ("collections.OrderedDict.move_to_end", "method", "collections", "Move an existing element to the end"),
        ("str.split", "method", "builtins", "list of the substrings"),
        ("os.path.join", "function", "os.path", "pathname components"),
        ("asyncio.wait_for", "function", "asyncio", "with timeout"),
        ("concurrent.futures.ThreadPoolExecutor", "class", "concurrent.futures", "max_workers"),
        ("random.choice", "function", "random", "random element"),
        ("socket.socket.recv", "method", "socket", "Receive up to buffersize bytes"),
        ("json", "module", "json", "lightweight data interchange format"),
    ],
)
def test_a_known_name_is_found_where_users_import_it(
    extractions: list[Extraction], doc_id: str, kind: str, module: str, words: str
) -> None:
    row = extractions[0].rows[doc_id]
    assert row["metadata"] == {"kind": kind, "module": module}
    assert words in " ".join(str(row["text"]).split())


def test_signatures_are_shown_without_self_and_annotations(extractions: list[Extraction]) -> None:
    rows = extractions[0].rows
    assert rows["textwrap.fill"]["title"] == "textwrap.fill(text, width=70, **kwargs)"
    assert rows["collections.OrderedDict.move_to_end"]["title"] == "collections.OrderedDict.move_to_end(key, last=True)"


def test_no_document_is_private_or_a_test(extractions: list[Extraction]) -> None:
    parts = {part for doc_id in extractions[0].rows for part in doc_id.split(".")}
    assert not {part for part in parts if part.startswith("_")}
    assert not parts & {"tests", "idlelib", "lib2to3", "site-packages"}
    assert not {doc_id for doc_id in extractions[0].rows if doc_id.split(".")[0] == "test"}


def test_no_memory_address_is_written(extractions: list[Extraction]) -> None:
    assert not [row["title"] for row in extractions[0].rows.values() if " at 0x" in str(row["title"])]


def test_two_runs_with_different_hash_seeds_are_equal_byte_for_byte(extractions: list[Extraction]) -> None:
    first, second = extractions
    assert first.raw == second.raw


def test_modules_with_side_effects_are_never_imported(extractions: list[Extraction]) -> None:
    assert not extractions[0].modules & {"antigravity", "this", "idlelib", "tkinter", "turtle", "webbrowser"}


def test_grades_are_whole_numbers_from_0_to_3_and_no_pair_is_judged_twice() -> None:
    judged = judgements(DEMO / "qrels/test.tsv")
    assert {grade for _, _, grade in judged} == {0, 1, 2, 3}
    assert len({(query_id, doc_id) for query_id, doc_id, _ in judged}) == len(judged)


def test_every_judged_query_exists_and_every_query_is_judged() -> None:
    assert {query_id for query_id, _, _ in judgements(DEMO / "qrels/test.tsv")} == set(queries())


def test_every_query_has_a_helpful_document_in_this_interpreter(extractions: list[Extraction]) -> None:
    judged = judgements(extractions[0].folder / "qrels/test.tsv")
    assert {query_id for query_id, _, grade in judged if grade >= 2} == set(queries())


def test_the_written_judgements_are_the_shipped_ones_of_documents_that_exist(extractions: list[Extraction]) -> None:
    folder, rows = extractions[0].folder, extractions[0].rows
    shipped = judgements(DEMO / "qrels/test.tsv")
    assert judgements(folder / "qrels/test.tsv") == [judged for judged in shipped if judged[1] in rows]
    assert (folder / "queries.jsonl").read_bytes() == (DEMO / "queries.jsonl").read_bytes()


def test_nearly_every_judged_document_exists_in_this_interpreter(extractions: list[Extraction]) -> None:
    helpful = {doc_id for _, doc_id, grade in judgements(DEMO / "qrels/test.tsv") if grade >= 2}
    assert len(helpful - set(extractions[0].rows)) <= len(helpful) * 0.1
