"""The limits of the readers: memory, endless lines, missing libraries, no network; and the error messages."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resift.indexer.corpora import (
    CorpusSettings,
    QuerySettings,
    SkipReport,
    read_documents,
    read_nanobeir,
    read_queries,
)
from resift.retrieval.errors import CorpusError
from resift.retrieval.extras import install_line
from resift.retrieval.types import Document, Query

ROOT = Path(__file__).parents[3]
MEGABYTE = 1_000_000


def fails(code: str, folder: Path, **environment: str) -> str:
    """Run `code` in a new interpreter that finds modules in `folder` first, and return what it wrote."""
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from resift.indexer.corpora import *\ntry:\n    {code}\nexcept Exception as e:\n    print(type(e).__name__, e)",
        ],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz", "c.tsv", "c.trec", "c.parquet"])
def test_memory_stays_flat_while_a_file_of_forty_megabytes_is_read(tmp_path: Path, name: str) -> None:
    text, count = f"{'word' * 25} " * 200, 2_000
    rows = {
        ".jsonl": (f'{{"_id": "{number}", "text": "{text}"}}\n' for number in range(count)),
        ".tsv": (row for number in range(-1, count) for row in ["id\ttext\n" if number < 0 else f"{number}\t{text}\n"]),
        ".trec": (f"<DOC>\n<DOCNO>{number}</DOCNO>\n{text}\n</DOC>\n" for number in range(count)),
    }
    path = tmp_path / name
    if name.endswith(".parquet"):
        with pq.ParquetWriter(path, pa.schema([("id", pa.int64()), ("text", pa.string())])) as writer:
            for start in range(0, count, 100):
                part = range(start, start + 100)
                writer.write_table(pa.table({"id": list(part), "text": [f"{number} {text}" for number in part]}))
    else:
        with (gzip.open if name.endswith(".gz") else open)(path, "wt") as file:
            file.writelines(rows[Path(name.removesuffix(".gz")).suffix])
    tracemalloc.start()
    try:
        characters = sum(len(document.text) for document in read_documents(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert characters > 39 * MEGABYTE
    assert peak < (30 if name.endswith(".parquet") else 5) * MEGABYTE


@pytest.mark.parametrize(
    ("name", "encoding"), [("c.jsonl", "utf-8"), ("c.csv", "utf-8"), ("c.trec", "utf-8"), ("c.jsonl", "utf-16-le")]
)
def test_line_without_an_end_is_refused_before_memory_is_full(tmp_path: Path, name: str, encoding: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"id,text\n" if encoding == "utf-8" and name.endswith("csv") else b"")
    line = 2 if name.endswith("csv") else 1
    os.truncate(path, 300 * MEGABYTE)  # a sparse file of zeros, which takes no disk space
    with pytest.raises(CorpusError, match="longer than 134,217,728 characters; expected one record per line") as caught:
        list(read_documents(path, CorpusSettings(encoding=encoding, skip_bad=True)))
    assert (caught.value.path, caught.value.line) == (str(path), line)


def test_line_of_ten_megabytes_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text(json.dumps({"_id": "a", "text": "x" * 10 * MEGABYTE}))
    (tmp_path / "c.csv").write_text("id,text\na," + "x" * 10 * MEGABYTE)
    for name in ("c.jsonl", "c.csv"):
        assert [len(document.text) for document in read_documents(tmp_path / name)] == [10 * MEGABYTE]


def test_skipped_records_are_written_also_without_a_report(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"_id": "a", "text": "x"}\n{"_id": "b"}\n')
    settings = CorpusSettings(skip_bad=True, skipped_file=str(tmp_path / "bad.jsonl"))
    assert list(read_documents(tmp_path / "c.jsonl", settings)) == [Document("a", "x")]
    [row] = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert (row["path"], row["line"], row["record"]) == (str(tmp_path / "c.jsonl"), 2, '{"_id": "b"}')
    assert row["reason"].startswith("no text: expected any of text, body")


def test_files_of_other_kinds_in_a_folder_are_counted_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("a.txt", "b.png", "c.png", "Makefile", ".hidden.png"):
        (tmp_path / name).write_text("x")
    report = SkipReport()
    assert [document.doc_id for document in read_documents(tmp_path, skipped=report)] == ["a.txt"]
    assert (report.count, report.other_files) == (0, {".png": 2, "without an extension": 1})
    assert str(report) == "3 files that are not documents were skipped (2 .png, 1 without an extension)"


@pytest.mark.parametrize(
    ("module", "source", "package"),
    [
        ("pyarrow", "{folder}/c.parquet", "pyarrow"),
        ("ir_datasets", "ir_datasets:cranfield", "ir-datasets"),
        ("datasets", "nanobeir:NQ", "datasets"),
    ],
)
def test_missing_library_is_named_with_the_command_that_installs_it(
    tmp_path: Path, module: str, source: str, package: str
) -> None:
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    (tmp_path / f"{module}.py").write_text("raise ImportError")
    output = fails(f"list(read_documents({source.format(folder=tmp_path)!r}))", tmp_path)
    missing = f"{package}, which reads this source, is not installed: {install_line('corpora')}"
    assert output == f"CorpusError {missing}\n"


def test_nanobeir_without_a_network_says_what_to_do(tmp_path: Path) -> None:
    output = fails("read_nanobeir('NFCorpus')", tmp_path, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hub"))
    assert output.startswith(
        "CorpusError sentence-transformers/NanoBEIR-en/corpus/NanoNFCorpus: cannot be read (HF_HUB_OFFLINE is set)"
    )
    assert output.endswith("; go online, or name a local copy (`root`)\n")
    assert len(output.splitlines()) == 1


def test_unknown_nanobeir_set_is_refused_with_the_known_ones_and_case_does_not_matter(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nanobeir:Trivia: is not a NanoBEIR set; expected one of NanoClimateFEVER, "):
        read_nanobeir("Trivia")
    for name in ("nfcorpus", "NanoNfCorpus", "NFCorpus"):
        with pytest.raises(CorpusError, match=r"has no corpus/NanoNFCorpus-\*\.parquet"):
            read_nanobeir(name, tmp_path)


def test_queries_may_have_columns_of_other_names_and_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_bytes('{"key": 7, "question": "Müll?", "text": "no"}\n'.encode("latin-1"))
    settings = QuerySettings(query_id_field="key", query_field="question", query_encoding="latin-1")
    assert list(read_queries(tmp_path / "q.jsonl", settings)) == [Query("7", "Müll?")]
    with pytest.raises(CorpusError, match='q.jsonl, line 1: no "query" that is a text'):
        list(read_queries(tmp_path / "q.jsonl", dataclasses.replace(settings, query_field="query")))


@pytest.mark.parametrize("name", ["Q.JSONL", "queries", "queries.txt"])
def test_json_queries_are_known_by_their_first_line_too(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('\n{"_id": "1", "text": "cats"}\n{"_id": "2", "text": "dogs"}\n')
    assert list(read_queries(tmp_path / name)) == [Query("1", "cats"), Query("2", "dogs")]


def test_plain_queries_are_numbered_without_gaps(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("cats\n\n{dogs}\n")
    assert list(read_queries(tmp_path / "q.txt")) == [Query("1", "cats"), Query("2", "{dogs}")]
