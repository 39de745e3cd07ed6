"""Random bytes in any format give documents or a CorpusError of one line, nothing else."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resift.indexer.corpora import CorpusSettings, read_documents, read_queries
from resift.retrieval.errors import CorpusError
from resift.retrieval.trec import read_qrels, read_run

KINDS = ("jsonl", "csv", "tsv", "trec", "html", "md", "txt", "parquet")
PIECES = [
    b"\n", b"\r\n", b"\t", b",", b'"', b"\\", b"{", b"}", b"[", b"]", b":", b"<", b">", b"!", b"-", b"#", b"\0", b"\xff",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b"PAR1", b'"id"', b'"text"', b'"a"', b"1", b"1e999", b"NaN", b"null",
    b"id", b"text", b'{"id": "a", "text": "x"}', b"<DOC>", b"</DOC>", b"<DOCNO>1</DOCNO>", b"<TEXT>", b"<title>", b"<script>",
    b"</p>", b"<![CDATA[", b"&#xd800;", b"---", b"title: x", b"# x", b"q Q0 d 1 2.5 t", b"q 0 d 1", b" ", b"<top>", b"</top>", b"<num>1", b"<query>", b"1:x", b";", b"\\ud800", b"\xc2\x85",
]  # fmt: skip
GARBAGE = st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join))
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def assert_clean(error: CorpusError) -> None:
    assert len(str(error).splitlines()) == 1
    str(error).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "utf-7", "idna"])
@pytest.mark.parametrize("kind", KINDS)
@given(content=GARBAGE, skip_bad=st.booleans())
@QUICK
def test_garbage_becomes_documents_or_an_error(kind: str, encoding: str, content: bytes, skip_bad: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"garbage.{kind}").write_bytes(content)
        source = folder if kind in ("html", "md", "txt") else f"{folder}/garbage.{kind}"
        try:
            documents = list(read_documents(source, CorpusSettings(encoding=encoding, skip_bad=skip_bad)))
        except CorpusError as error:
            assert_clean(error)
        else:
            assert documents
            for document in documents:
                f"{document.doc_id}{document.title}{document.text}".encode()
                assert document.doc_id.strip()


@given(content=GARBAGE, cut=st.integers(0, 60), flip=st.integers(0, 60))
@QUICK
def test_garbage_in_gzip_becomes_documents_or_an_error(content: bytes, cut: int, flip: int) -> None:
    packed = bytearray(gzip.compress(content)[: -cut or None])
    if flip < len(packed):
        packed[flip] ^= 0x55
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "garbage.jsonl.gz"
        path.write_bytes(packed)
        for reader in (read_documents, read_queries, read_run, read_qrels):
            try:
                assert list(reader(path))
            except CorpusError as error:
                assert_clean(error)


@pytest.mark.parametrize("ending", ["jsonl", "tsv", "txt", "json", "csv"])
@given(content=GARBAGE)
@QUICK
def test_garbage_becomes_queries_a_run_or_qrels_or_an_error(ending: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"garbage.{ending}"
        path.write_bytes(content)
        for reader in (read_queries, read_run, read_qrels):
            try:
                assert list(reader(path))
            except CorpusError as error:
                assert_clean(error)
