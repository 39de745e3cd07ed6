"""Bad corpora: each is refused with an error of one line that has the path, the line and what to do."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resift.indexer.corpora import CorpusSettings, read_documents
from resift.retrieval.errors import CorpusError

GOOD = b'{"id": "a", "text": "x"}\n'
MEGABYTE = b'{"id": "b", "text": ' + b"x" * 1_000_000
DEEP_LISTS = b'{"id": "b", "text": "x", "k": ' + b"[" * 200 + b"]" * 200 + b"}"
DEEPER_LISTS = b'{"id": "b", "text": "x", "k": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
LONG_NUMBER = b'{"id": ' + b"9" * 5000 + b', "text": "x"}'
DOC = b"<DOC>\n<DOCNO>1</DOCNO>\n<TEXT>x</TEXT>\n</DOC>\n"


def refused(source: str | Path, **settings: str | bool) -> CorpusError:
    """Read `source` to its end and return the error, which is one line that names its place."""
    with pytest.raises(CorpusError) as caught:
        list(read_documents(source, CorpusSettings(**settings)))  # type: ignore[arg-type]
    error = caught.value
    message = str(error)
    assert error.path is not None
    assert message.startswith(f"{error.path}: " if error.line is None else f"{error.path}, line {error.line}: ")
    assert len(message.splitlines()) == 1
    assert len(message) < 1200
    return error


RECORDS = [
    (b'{"id": "a", "text": "y"}', "the id 'a' was already used by an earlier record; expected each id once"),
    (b'{"key": 1, "text": "y"}', "no id: expected any of _id, id, doc_id, docid, docno … but found 'key', 'text'; "),
    (b'{"id": "b", "words": 1}', "no text: expected any of text, body, content, contents, passage … but found 'id', "),
    (b'{"id": "b", "words": 1}', "name the right one with `text_field`"),
    (b"{}", "found nothing; name the right one with `id_field`"),
    (json.dumps({f"column {n} {'x' * 99}": 1 for n in range(99)}).encode(), "no id"),
    (b'{"id": 1.5, "text": "y"}', "the id is a fraction; expected a text or a whole number"),
    (b'{"id": true, "text": "y"}', "the id is true or false"),
    (b'{"id": {}, "text": "y"}', "the id is an object"),
    (b'{"id": [1], "text": "y"}', "the id is a list"),
    (b'{"id": null, "text": "y"}', "the id is null"),
    (b'{"id": "", "text": "y"}', "the id is empty"),
    (b'{"id": " \\t ", "text": "y"}', "the id is empty"),
    (b'{"id": "b", "text": null}', "the text is empty (text); expected a text or a title"),
    (b'{"id": "b", "text": " \\n", "title": " "}', "the text is empty (text)"),
    (b'{"id": "b", "text": ["x", 1]}', "'text' is a list with values other than texts; expected a text"),
    (b'{"id": "b", "text": {"en": "y"}}', "'text' is an object; expected a text"),
    (b'{"id": "b", "text": 5}', "'text' is a number; expected a text, or name it with `text_field`"),
    (b'{"id": "b", "text": false}', "'text' is true or false"),
    (b'{"id": "b", "text": "y", "title": {}}', "'title' is an object"),
    (
        b'{"id": "b", "te',
        "not JSON (Unterminated string starting at at character 13); expected one JSON object per line",
    ),
    (MEGABYTE, "not JSON (Expecting value at character 21)"),
    (b'{"id": "b", "text": "y"} {"id": "c"}', "not JSON (Extra data at character 26)"),
    (b'{"id": "b", "text": "y\x01"}', "not JSON (Invalid control character"),
    (b"'text'", "not JSON"),
    (
        b'[{"id": "b", "text": "y"}]',
        "a JSON array; expected one JSON object per line; one long array? write one object",
    ),
    (b"[", "one long array? write one object per line"),
    (b'"b"', "a JSON string; expected one JSON object per line"),
    (b"5", "a JSON number; expected"),
    (b"true", "a JSON boolean; expected"),
    (b"null", "null; expected one JSON object per line"),
    (b'{"id": "b", "text": NaN}', "the text is empty (text)"),
    (LONG_NUMBER, "a number with too many digits, which must be in quotes"),
    (DEEP_LISTS, "nested more than 100 deep; expected a flat record"),
    (DEEPER_LISTS, "nested too deep"),
    (
        b'{"id": "b", "text": "caf\xe9"}',
        "byte 25 of the line (0xe9) is not utf-8; it is 'é' in cp1252; name the right one with `encoding`",
    ),
    (b'{"id": "b", "text": "\xed\xa0\x80"}', "byte 22 of the line (0xed) is not utf-8"),
    (b'{"id": "b",\0 "text": "y"}', "contains NUL bytes, as UTF-16 does; name the right one with `encoding`"),
]


@pytest.mark.parametrize(("record", "message"), RECORDS)
def test_bad_record_is_refused_at_its_line_and_left_out_on_request(tmp_path: Path, record: bytes, message: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(GOOD + b"\n" + record + b"\n" + b'{"id": "z", "text": "z"}')
    error = refused(path)

    assert (error.path, error.line) == (str(path), 3)
    assert message in str(error)
    assert [document.doc_id for document in read_documents(path, CorpusSettings(skip_bad=True))] == ["a", "z"]


FILES = [
    ("empty.jsonl", b"", None, "contains no documents; expected at least one"),
    ("blank.jsonl", b"\n \n\t\n", None, "contains no documents"),
    ("wide.csv", "id,text\na,x\n".encode("utf-16-be"), 1, "NUL bytes, as UTF-16 does; name the right one with `enc"),
    (
        "cut.jsonl.gz",
        gzip.compress(b'{"id": "a", "text": "x"}', mtime=0)[:-9],
        None,
        "is not a complete gzip file (Compressed file ",
    ),
    ("noise.jsonl.gz", gzip.compress(b"x" * 9, mtime=0)[:10] + b"\xff" * 99, None, "compress or decompress it again"),
    ("cut.jsonl.bz2", bz2.compress(GOOD)[:-9], None, "is not a complete bzip2 file (Compressed file ended before"),
    ("cut.jsonl.xz", lzma.compress(GOOD)[:-9], None, "is not a complete xz file (Compressed file ended before"),
    (
        "book.csv",
        b"PK\x03\x04 and more",
        None,
        "is a ZIP archive, as .xlsx files are; unpack it, or save the table as CSV",
    ),
    ("few.csv", b"id,text\na\n", 2, "1 column; expected 2 as in the header row"),
    ("many.tsv", b"id\ttext\na\tx\ty\n", 2, "3 columns; expected 2 as in the header row"),
    ("open.csv", b'id,text\na,"x\nb,y\n', 2, "not a CSV row (unexpected end of data)"),
    (
        "lines.tsv",
        b'id\ttext\na\t"one\ntwo"\n',
        3,
        "1 column; expected 2 as in the header row; TSV has no quotes: if a field in quotes may have tabs or line br",
    ),
    ("twice.csv", b"id,text,text\na,x,y\n", 1, "the header row has 'text' twice; expected each column once"),
    ("header.csv", b"id,t\xffxt\na,x\n", 1, "byte 5 of the line (0xff) is not utf-8"),
    ("header.csv", b"id,text\n", None, "contains no documents"),
    ("notext.csv", b"id,title\na,\n", 2, "passage … but found 'id', 'title'; name the right one with `text_field`"),
    ("row.csv", b"id,text\na,x\nb,\xff\n", 3, "byte 3 of the line (0xff) is not utf-8"),
    ("inside.csv", b'id,text\na,x\nb,"one\ntw\xff"\nc,y', 3, "byte 3 of the line (0xff) is not utf-8"),
    ("dup.csv", b'id,text\na,"x\ny"\na,z\n', 4, "the id 'a' was already used by an earlier record"),
    ("open.trec", DOC + b"<DOC>\n<DOCNO>2</DOCNO>\n", 5, "<DOC> without </DOC>; the file ends inside it"),
    ("next.trec", b"<DOC>\n<DOCNO>2</DOCNO>\n" + DOC, 1, "<DOC> without </DOC> before the next <DOC>"),
    ("prose.trec", b"some words\n", 1, "text outside <DOC>"),
    ("noid.trec", DOC + b"<DOC>\n<TEXT>x</TEXT>\n</DOC>\n", 5, "a <DOC> without <DOCNO>; expected an id"),
    ("blank.trec", b"<DOC>\n<DOCNO> </DOCNO>\nx\n</DOC>\n", 1, "the id is empty"),
    ("two.trec", b"<DOC><DOCNO>1</DOCNO>x</DOC><DOC><DOCNO>2</DOCNO>y</DOC>\n", 1, "two <DOC> in one line"),
    ("latin.trec", b"<DOC>\n<DOCNO>1</DOCNO>\ncaf\xe9\n</DOC>\n", 3, "byte 4 of the line (0xe9) is not utf-8"),
    ("empty.trec", b"", None, "contains no documents"),
    ("noise.parquet", b"PAR1 no parquet at all PAR1", None, "cannot be read as Parquet ("),
    ("empty.parquet", b"", None, "cannot be read as Parquet ("),
    ("table.xlsx", b"PK", None, "the extension '.xlsx' is not known; expected one of .jsonl, "),
    ("noending", b"x", None, "the name has no extension; expected one of .jsonl, "),
]


@pytest.mark.parametrize(("name", "content", "line", "message"), FILES)
def test_bad_file_is_refused_with_its_place(
    tmp_path: Path, name: str, content: bytes, line: int | None, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    error = refused(tmp_path / name)

    assert (error.path, error.line) == (str(tmp_path / name), line)
    assert message in str(error)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"id_field": "sku"},
            "no id: expected 'sku' but found 'id', 'text', 'name'; name the right one with `id_field`",
        ),
        ({"title_field": "head"}, "no title: expected 'head' but found 'id', 'text', 'name'"),
        ({"text_field": "text,body"}, "no text: expected 'body' but found 'id', 'text', 'name'"),
    ],
)
def test_missing_named_column_is_refused_with_the_existing_ones(
    tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    (tmp_path / "c.csv").write_text("id,text,name\na,x,y\n")
    error = refused(tmp_path / "c.csv", **settings)

    assert error.line == 2
    assert message in str(error)


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ({"id": ["a", "b"], "text": ["x", None]}, 2, "the text is empty"),
        ({"id": ["a", "b"], "text": [b"x", b"\xff"]}, 2, "'text' is binary; expected a text"),
        ({"id": ["a"], "text": [{"en": "x"}]}, 1, "'text' is an object"),
        ({"id": ["a"], "text": [1.5]}, 1, "'text' is a fraction"),
        ({"id": [1.5], "text": ["x"]}, 1, "the id is a fraction"),
        ({"id": [b"\xff"], "text": ["x"]}, 1, "the id is binary"),
        ({"id": ["a", "a"], "text": ["x", "y"]}, 2, "already used by an earlier record"),
        ({"id": [], "text": []}, None, "contains no documents"),
    ],
)
def test_bad_parquet_row_is_refused_with_its_number(
    tmp_path: Path, table: dict[str, list[object]], line: int | None, message: str
) -> None:
    pq.write_table(pa.table(table), tmp_path / "c.parquet")
    error = refused(tmp_path / "c.parquet")

    assert error.line == line
    assert message in str(error)


@pytest.mark.parametrize("part", [slice(0, 400), slice(0, -4), slice(200, None)])
def test_damaged_parquet_is_refused(tmp_path: Path, part: slice) -> None:
    pq.write_table(pa.table({"id": [str(n) for n in range(99)], "text": ["x"] * 99}), tmp_path / "c.parquet")
    (tmp_path / "c.parquet").write_bytes((tmp_path / "c.parquet").read_bytes()[part])

    assert "cannot be read as Parquet (" in str(refused(tmp_path / "c.parquet"))


def test_parquet_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    offsets, data = pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"x\xff")
    text = pa.StringArray.from_buffers(1, offsets, data)
    pq.write_table(pa.table({"id": pa.array(["a"]), "text": text}), tmp_path / "c.parquet")

    assert "can't decode byte 0xff" in str(refused(tmp_path / "c.parquet"))


@pytest.mark.parametrize("name", ["nope.jsonl", "nope", "nope\0.jsonl", "n" * 5000, "a/b/c"])
def test_missing_path_is_refused(tmp_path: Path, name: str) -> None:
    error = refused(f"{tmp_path}/{name}")

    assert any(reason in str(error) for reason in ("does not exist; expected a file, a folder, ir_", "name too long"))


@pytest.mark.parametrize(("format", "there"), [(f, t) for f in ("jsonl", "csv", "tsv", "trec") for t in (True, False)])
def test_folder_or_nothing_where_a_file_is_expected_is_refused(tmp_path: Path, format: str, there: bool) -> None:
    source = tmp_path if there else tmp_path / "nope"

    folder = f"is a folder without {format} files; expected a file, or at least one in it"
    assert str(refused(source, format=format)).endswith(folder if there else "does not exist; expected a file")


@pytest.mark.parametrize(
    ("format", "message"),
    [("folder", "is not a folder; expected a folder"), ("beir", "is not a folder; expected a BEIR folder")],
)
def test_file_where_a_folder_is_expected_is_refused(tmp_path: Path, format: str, message: str) -> None:
    (tmp_path / "file").write_text("x")

    assert message in str(refused(tmp_path / "file", format=format))


@pytest.mark.parametrize(
    ("format", "message"),
    [
        (
            "auto",
            "has no files of the types .htm, .html, .markdown, .md, .pdf, .rst, .text, .txt, .xhtml (1 other file)",
        ),
        ("folder", "has no files of the types .htm"),
        ("beir", "has no corpus.jsonl or corpus.jsonl.gz; expected a BEIR folder"),
        ("parquet", "contains no .parquet file"),
    ],
)
def test_folder_without_documents_is_refused(tmp_path: Path, format: str, message: str) -> None:
    (tmp_path / "picture.png").write_bytes(b"\0")

    assert message in str(refused(tmp_path, format=format))


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"one\ntw\xff", 2, "byte 7 (0xff) is not utf-8; it is 'ÿ' in cp1252; name the right one with `encoding`"),
        (b"x\0y", None, "contains NUL bytes; expected text"),
    ],
)
def test_bad_file_of_a_folder_is_refused_with_its_own_path(
    tmp_path: Path, content: bytes, line: int | None, message: str
) -> None:
    (tmp_path / "a.txt").write_text("good")
    (tmp_path / "b.txt").write_bytes(content)
    error = refused(tmp_path)

    assert (error.path, error.line) == (str(tmp_path / "b.txt"), line)
    assert message in str(error)
    assert [document.doc_id for document in read_documents(tmp_path, CorpusSettings(skip_bad=True))] == ["a.txt"]


def test_truncated_utf16_file_is_refused_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes("id,text\na,x\n".encode("utf-16") + b"x")
    error = refused(tmp_path / "c.csv", encoding="utf-16")

    assert "is not utf-16 from here on" in str(error)


def test_file_that_cannot_be_read_is_refused() -> None:
    assert "cannot be read: " in str(refused("/proc/self/mem", format="jsonl"))


def test_corpus_with_only_bad_records_is_refused_although_they_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_bytes(b"{\n{\n")

    assert "every record is bad: 2 bad records were left out (2 × " in str(refused(tmp_path / "c.jsonl", skip_bad=True))
