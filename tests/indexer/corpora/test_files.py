"""Files that are one document each, alone and in a folder: their encodings, kinds and faults; compressed files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pypdf
import pytest

from resift.indexer.corpora import SkipReport, read_documents
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document
from tests.indexer.corpora.corpus_files import pdf, read_with_notes, write

UMLAUTS = "Öl für Mützen – schön"


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="windows-1252">', "cp1252"),
        ("<meta charset=utf-8>", "utf-8"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-1">', "cp1252"),
        ('<META HTTP-EQUIV="content-type" CONTENT="text/html;charset=macintosh"/>', "mac-roman"),
        ("<meta charset=utf-8>", "utf-16"),
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ("", "utf-16"),
        ("", "utf-32"),
        ('<meta charset="nonsense">', "utf-8"),
        ('<meta charset="rot13">', "utf-8"),
        ('<meta charset="utf-16">', "utf-8"),
    ],
)
def test_html_page_is_read_in_the_encoding_that_it_declares_or_marks(tmp_path: Path, head: str, encoding: str) -> None:
    page = f"<!doctype html><html><head>{head}<title>{UMLAUTS}</title></head><body><p>{UMLAUTS}</body></html>"
    write(tmp_path / "page.html", page.encode(encoding))

    assert read_with_notes(tmp_path, fields="")[0] == [Document("page.html", UMLAUTS, UMLAUTS)]


def test_xml_declaration_and_other_scripts_are_honoured(tmp_path: Path) -> None:
    write(
        tmp_path / "a.xhtml", '<?xml version="1.0" encoding="koi8-r"?><html><body>Привет</body></html>'.encode("koi8-r")
    )
    write(tmp_path / "b.html", "<meta charset=gb2312><body>镕基</body>".encode("gb18030"))
    write(tmp_path / "c.html", "<meta charset=shift_jis><body>①髙</body>".encode("cp932"))

    assert [document.text for document in read_with_notes(tmp_path)[0]] == ["Привет", "镕基", "①髙"]


def test_page_that_declares_another_encoding_than_it_has_is_read_in_that_of_the_settings(tmp_path: Path) -> None:
    write(tmp_path / "a.html", "<meta charset=utf-8><body>schön</body>".encode("cp1252"))
    with pytest.raises(
        CorpusError, match=r"a.html, line 1: byte 30 \(0xf6\) is not utf-8; it is 'ö' in cp1252; name the"
    ):
        read_with_notes(tmp_path)

    assert read_with_notes(tmp_path, encoding="cp1252", fields="")[0] == [Document("a.html", "schön")]


@pytest.mark.parametrize("name", ["guide.md", "guide.txt", "guide.html", "guide.markdown", "guide.md.gz"])
def test_single_file_is_one_document(tmp_path: Path, name: str) -> None:
    content = "<h1>Head</h1><p>some words" if name.endswith("html") else "# Head\nsome words\nmore"
    path = write(tmp_path / name, gzip.compress(content.encode()) if name.endswith("gz") else content)
    [document] = list(read_documents(path))

    assert document.doc_id == name
    assert "some words" in document.text
    assert document.title == ("" if name.endswith("txt") else "Head")


def test_pdf_is_read_alone_and_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "a" / "paper.pdf", pdf("The cat sat.", "A dog ran.", title="Animals"))
    expected = Document("paper.pdf", "The cat sat.\n\nA dog ran.", "Animals")

    assert read_with_notes(tmp_path / "a" / "paper.pdf", fields="")[0] == [expected]
    assert read_with_notes(tmp_path / "a", fields="")[0] == [expected]


def test_pages_of_a_pdf_without_text_are_counted_in_a_note(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        write(tmp_path / "papers" / name, pdf("words", "", ""))

    assert read_with_notes(tmp_path / "papers" / "a.pdf")[1] == ["2 of 3 pages without text (scans?)"]
    assert read_with_notes(tmp_path / "papers")[1] == [
        f"{tmp_path / 'papers' / 'a.pdf'}: 2 of 3 pages without text (scans?); and so in 1 other file"
    ]


def locked(content: bytes) -> bytes:
    writer = pypdf.PdfWriter(io.BytesIO(content))
    writer.encrypt("secret", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pdf(""), "has no text; is it a scan? recognize its text first"),
        (locked(pdf("secret words")), "is encrypted; expected a PDF file that opens without a password"),
        (pdf("words")[:300], "cannot be read as PDF ("),
        (b"%PDF-1.4 and nothing more", "cannot be read as PDF ("),
    ],
)
def test_pdf_without_readable_text_is_refused_and_left_out_on_request(
    tmp_path: Path, content: bytes, message: str
) -> None:
    write(tmp_path / "bad.pdf", content)
    write(tmp_path / "good.md", "# Good\nwords")
    with pytest.raises(CorpusError) as caught:
        read_with_notes(tmp_path)

    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'bad.pdf'}: ")
    assert str(caught.value).endswith("(indexing with `skip_bad` leaves bad records out)")
    assert [document.doc_id for document in read_with_notes(tmp_path, skip_bad=True)[0]] == ["good.md"]


def test_files_that_are_not_documents_are_skipped_and_counted_by_kind(tmp_path: Path) -> None:
    for name in ("a.png", "b.PNG", "c.zip", "Makefile", ".hidden.png", ".git/x.md"):
        write(tmp_path / name, b"\x89PNG\0")
    write(tmp_path / "empty.txt", "")
    write(tmp_path / "blank.md", " \n")
    write(tmp_path / "deep" / "note.md", "words")
    (tmp_path / "loop").symlink_to(tmp_path)
    report = SkipReport()

    assert [document.doc_id for document in read_documents(tmp_path, skipped=report)] == ["deep/note.md"]
    assert report.count == 0
    assert report.other_files == {".png": 2, ".zip": 1, "without an extension": 1, "empty": 2, "links to folders": 1}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
@pytest.mark.parametrize("end", ["", ".gz", ".bz2", ".xz", ".zst"])
def test_compressed_file_is_known_by_its_content(tmp_path: Path, pack: Callable[[bytes], bytes], end: str) -> None:
    path = write(tmp_path / f"c.csv{end}", pack(b"id,text\n1,words\n"))

    assert read_with_notes(path)[0] == [Document("1", "words")]


def test_folder_of_files_with_records_gives_the_records_of_all(tmp_path: Path) -> None:
    write(tmp_path / "part-0.jsonl", '{"id": "a", "text": "one"}\n')
    write(tmp_path / "more" / "part-1.jsonl.gz", gzip.compress(b'{"id": "b", "text": "two"}\n'))
    write(tmp_path / "more" / "part-2.json", '[{"id": "c", "text": "three"}]')
    write(tmp_path / "README.md", "# About")
    report = SkipReport()

    assert [document.doc_id for document in read_documents(tmp_path, skipped=report)] == ["b", "c", "a"]
    assert report.other_files == {".md": 1}
    write(tmp_path / "table.csv", "id,text\nd,four\n")
    with pytest.raises(CorpusError, match="has files of several formats \\(csv, jsonl\\); set `format` to one of them"):
        read_with_notes(tmp_path)
    assert [document.doc_id for document in read_with_notes(tmp_path, format="csv")[0]] == ["d"]


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ('{"id": "a", "text": "x"}\n{"id": "b", "text": "y"}\n', ["a", "b"]),
        ("<DOC>\n<DOCNO>a</DOCNO>\nx\n</DOC>\n", ["a"]),
        ("id\ttext\na\tx\n", ["a"]),
        ("Nr;Text\r\n1;x\r\n", ["1"]),
    ],
)
def test_text_file_whose_first_line_shows_a_format_is_read_in_it_and_says_so(
    tmp_path: Path, content: str, ids: list[str]
) -> None:
    path = write(tmp_path / "c.txt", content)
    found, [note] = read_with_notes(path)

    assert [document.doc_id for document in found] == ids
    assert "as its first line shows; set `format` to text to read it as one document" in note
    assert [document.doc_id for document in read_with_notes(path, format="text")[0]] == ["c.txt"]


def test_records_without_ids_get_them_from_the_file_and_their_place(tmp_path: Path) -> None:
    write(tmp_path / "my recipes.csv", 'title,text\nA,"one\ntwo"\nB,three\n')
    write(tmp_path / "c.json", '[{"text": "one"}, {"text": "two"}]')
    pq.write_table(pa.table({"text": ["one", "two"]}), tmp_path / "c.parquet")

    found, [note] = read_with_notes(tmp_path / "my recipes.csv")
    assert found == [Document("my_recipes.csv:2", "one\ntwo", "A"), Document("my_recipes.csv:4", "three", "B")]
    assert note == (
        "no id was found in 'title', 'text', so ids were made of the file's name and the line or number, such as "
        "my_recipes.csv:2; `id_field` names the right one"
    )
    for name in ("c.json", "c.parquet"):
        assert read_with_notes(tmp_path / name)[0] == [Document(f"{name}:1", "one"), Document(f"{name}:2", "two")]


def test_ids_are_not_made_if_the_caller_cannot_use_them(tmp_path: Path) -> None:
    path = write(tmp_path / "today.jsonl", '{"text": "x"}\n')
    with pytest.raises(CorpusError, match="line 1: no id: expected any of _id, id"):
        list(read_documents(path, make_ids=False))


def test_made_ids_of_several_files_in_a_folder_differ(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(tmp_path / folder / "part.jsonl", '{"text": "x"}\n')

    assert [document.doc_id for document in read_with_notes(tmp_path)[0]] == ["a/part.jsonl:1", "b/part.jsonl:1"]


def test_record_without_an_id_among_records_that_have_one_is_bad(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", '{"id": "a", "text": "x"}\n{"text": "y"}\n')
    with pytest.raises(CorpusError, match="line 2: no id: expected any of _id, id, doc_id"):
        read_with_notes(path)


STANDARD_INPUT = [
    ("jsonl", b'{"id": "a", "text": "x"}\n', "a"),
    ("array", b'[{"id": "a", "text": "x"}]', "a"),
    ("made ids", b'{"text": "x"}\n', "stdin:1"),
    ("tsv", b"a\tx\n", "a"),
    ("csv", b"id;text\na;x\n", "a"),
    ("trec", b"<DOC>\n<DOCNO>a</DOCNO>\nx\n</DOC>\n", "a"),
    ("html", b"<!DOCTYPE html><p>x", "stdin:1"),
    ("gzip", gzip.compress(b'{"id": "a", "text": "x"}\n'), "a"),
    ("utf-16", 'id\ttext\na\tx\n'.encode("utf-16"), "a"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "doc_id"), [row[1:] for row in STANDARD_INPUT], ids=[row[0] for row in STANDARD_INPUT]
)
def test_format_of_standard_input_is_recognized(monkeypatch: pytest.MonkeyPatch, content: bytes, doc_id: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    assert [(found.doc_id, found.text) for found in read_documents("-")] == [(doc_id, "x")]


def test_parquet_is_read_from_a_pipe_on_standard_input(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], "text": ["x"]}), tmp_path / "c.parquet")
    code = "from resift.indexer.corpora import read_documents; print([d.doc_id for d in read_documents('-')])"
    raw = (tmp_path / "c.parquet").read_bytes()

    assert subprocess.run([sys.executable, "-c", code], input=raw, capture_output=True, check=True).stdout == b"['a']\n"


def test_text_on_standard_input_needs_its_format(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in ({}, {"format": "text"}):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"just some words\n")))
        if settings:
            assert read_with_notes("-", **settings, fields="")[0] == [Document("stdin:1", "just some words")]
        else:
            with pytest.raises(CorpusError, match="the format is not recognized; expected JSON, or set `format`"):
                read_with_notes("-")


@pytest.mark.parametrize("part", ["<a ", "<p <", "<!--", '<a b="', "<!"])
def test_a_page_of_tags_that_are_never_closed_is_read_to_its_end(tmp_path: Path, part: str) -> None:
    page = write(tmp_path / "page.html", "<title>T</title><p>soup of lentils</p>" + part * 60_000)
    [document] = read_documents(page)
    assert "soup of lentils" in document.text
