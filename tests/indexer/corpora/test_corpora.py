"""Every format of corpus, read from real files."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resift.indexer.corpora import CorpusSettings, SkipReport, read_documents
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.types import Document

CATS = Document("a", "the cat sat", "Cats")
DOGS = Document("b", "a dog ran")
JSONL = '{"_id": "a", "title": "Cats", "text": "the cat sat"}\n\n{"_id": "b", "text": "a dog ran", "title": null}\n'


def write(path: Path, content: str | bytes) -> str:
    """Write `content`, compressed if the name ends in .gz, and return the path."""
    raw = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return str(path)


def read(source: str | Path, **settings: str | bool | None) -> list[Document]:
    return list(read_documents(source, CorpusSettings(**settings)))  # type: ignore[arg-type]


def rows(path: Path, values: Sequence[dict[str, object]]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(values)), path)
    return str(path)


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz"])
def test_beir_folder_is_read_plain_and_compressed(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, JSONL)
    write(tmp_path / "README.md", "# not a document")

    assert read(tmp_path) == [CATS, DOGS]


@pytest.mark.parametrize("name", ["c.jsonl", "c.ndjson", "c.json", "c.jsonl.gz", "C.JSONL"])
def test_json_lines_are_recognized_by_any_of_their_extensions(tmp_path: Path, name: str) -> None:
    assert read(write(tmp_path / name, JSONL)) == [CATS, DOGS]


def test_byte_order_mark_and_windows_line_ends_are_not_part_of_the_data(tmp_path: Path) -> None:
    windows = b"\xef\xbb\xbf" + JSONL.replace("\n", "\r\n").encode()

    assert read(write(tmp_path / "c.jsonl", windows)) == [CATS, DOGS]
    assert read(write(tmp_path / "c.csv", b"\xef\xbb\xbfid,text\r\nb,a dog ran\r\n")) == [DOGS]


@pytest.mark.parametrize(("name", "tab"), [("c.csv", ","), ("c.csv.gz", ","), ("d.csv", ";"), ("e.csv", "|")])
def test_quoted_fields_may_contain_line_breaks_and_separators(tmp_path: Path, name: str, tab: str) -> None:
    table = f'id{tab}title{tab}text\n\na{tab}"C{tab}""c"""{tab}"one\ntwo"\nb{tab}{tab}a dog ran\n'

    assert read(write(tmp_path / name, table)) == [Document("a", "one\ntwo", f'C{tab}"c"'), DOGS]


def test_parquet_is_read_from_a_file_and_from_a_folder_of_shards_in_name_order(tmp_path: Path) -> None:
    rows(tmp_path / "set" / "b-1.parquet", [{"id": "b", "title": None, "text": "a dog ran"}])
    cats = rows(tmp_path / "set" / "a-0.parquet", [{"id": "a", "title": "Cats", "text": "the cat sat"}])
    write(tmp_path / "set" / "._a-0.parquet", "what a Mac leaves behind")

    assert read(cats) == [CATS]
    assert read(tmp_path / "set") == [CATS, DOGS]


def test_parquet_keeps_other_columns_as_json_values(tmp_path: Path) -> None:
    values = {"id": 7, "text": ["one", "two"], "price": 1.5, "none": None, "nan": float("nan"), "raw": b"x"}
    source = rows(tmp_path / "c.parquet", [values | {"tags": ["x", None], "deep": {"a": [1]}}])

    assert read(source) == [
        Document("7", "one two", fields={"price": 1.5, "raw": "eA==", "tags": ["x", None], "deep": {"a": [1]}})
    ]


@pytest.mark.parametrize(
    ("name", "content", "title", "text"),
    [
        ("a.txt", "\n plain text \n", "", "plain text"),
        ("a.md", '---\ntitle: "Front"\ndate: x\n---\n# Head\nbody\n', "Front", "# Head\nbody"),
        ("a.md", "---\r\ntitle: Front\r\n---\r\nbody\r\n", "Front", "body"),
        ("a.md", "---\ntitle:\nauthor: me\n---\n# Head\nbody", "Head", "body"),
        ("a.md", "---\n---\nbody", "", "body"),
        ("a.md", "intro\n\n## The head ##\nbody\n", "The head", "intro\n\nbody"),
        ("a.markdown", "The head\n====\nbody\n", "The head", "body"),
        ("a.md", "```\n# a comment\n```\n# Head\nbody", "Head", "```\n# a comment\n```\nbody"),
        ("a.md", "#\n\nno heading\n#hashtag", "", "#\n\nno heading\n#hashtag"),
        ("a.html", "<title> A\n page</title><h1>Head</h1><p>one<p>two", "A page", "Head\none\ntwo"),
        ("a.htm", "<html><head><title></title></head><h1>Head</h1>x", "Head", "Head\nx"),
        ("a.html", "<!doctype html><!-- no --><script>no()</script><style>no{}</style><p>yes</p>", "", "yes"),
        ("a.html", "<template><script>no</script></template><noscript><style>no</style></noscript>yes", "", "yes"),
        ("a.html", "<![broken <p>a &lt; b", "", "<![broken a < b"),
    ],
)
def test_file_of_a_folder_gives_its_title_and_text(
    tmp_path: Path, name: str, content: str, title: str, text: str
) -> None:
    write(tmp_path / "deep" / "er" / name, content)

    assert read(tmp_path, fields="") == [Document(f"deep/er/{name}", text, title)]


def test_folder_leaves_hidden_files_and_other_kinds_out_and_keeps_the_order_of_paths(tmp_path: Path) -> None:
    for name in (".hidden.txt", ".git/a.txt", "picture.png", "b.txt", "a/z.TXT"):
        write(tmp_path / name, "text")

    assert [document.doc_id for document in read(tmp_path)] == ["a/z.TXT", "b.txt"]


TREC = """<DOC>
<DOCNO> a </DOCNO>
<HEADLINE>Cats</HEADLINE>
<TEXT>
the <b>cat</b>
  sat
</TEXT>
</DOC>

<doc><docno>b</docno><date>1</date> a dog ran</doc>
"""


@pytest.mark.parametrize("name", ["c.trec", "c.sgml", "c.trectext.gz"])
def test_trec_text_is_read_plain_and_compressed(tmp_path: Path, name: str) -> None:
    expected = [Document("a", "the cat\nsat", "Cats"), Document("b", "1 a dog ran")]

    assert read(write(tmp_path / name, TREC)) == expected


def test_standard_input_is_json_lines() -> None:
    code = "from resift.indexer.corpora import read_documents; print([d.doc_id for d in read_documents('-')])"
    done = subprocess.run([sys.executable, "-c", code], input=JSONL, capture_output=True, text=True, check=True)

    assert done.stdout == "['a', 'b']\n"


def test_closed_standard_input_is_refused_in_one_line() -> None:
    code = "import sys; sys.stdin = None\nfrom resift.indexer.corpora import read_documents\ntry: list(read_documents('-'))\nexcept Exception as e: print(repr(e))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "CorpusError('-: standard input is closed; expected documents from it')\n"


def test_pipe_is_read_if_the_format_is_named(tmp_path: Path) -> None:
    code = f"from resift.indexer.corpora import *; print(len(list(read_documents({'/dev/stdin'!r}, CorpusSettings('jsonl')))))"
    done = subprocess.run([sys.executable, "-c", code], input=JSONL, capture_output=True, text=True, check=True)

    assert done.stdout == "2\n"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_other_encodings_are_read_when_named(tmp_path: Path, encoding: str) -> None:
    text = "café — “x”" if encoding != "latin-1" else "café"
    source = write(tmp_path / "c.csv", f'id,text\na,"{text}\n{text}"\n'.encode(encoding))

    assert read(source, encoding=encoding) == [Document("a", f"{text}\n{text}")]


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "undefined", "a\0b"])
def test_unknown_encoding_is_a_wrong_setting(encoding: str) -> None:
    with pytest.raises(SettingsError, match="encoding: .*utf-8"):
        CorpusSettings(encoding=encoding)


@pytest.mark.parametrize("id_field", ["_id", "id", "doc_id", "docid", "docno"])
@pytest.mark.parametrize("text_field", ["text", "body", "content", "contents", "passage"])
def test_usual_names_of_columns_are_found(tmp_path: Path, id_field: str, text_field: str) -> None:
    source = write(tmp_path / "c.jsonl", json.dumps({"x": 1, text_field: "words", id_field: 5}))

    assert read(source) == [Document("5", "words", fields={"x": 1})]


def test_named_columns_become_id_title_and_text_and_only_the_requested_fields_are_kept(tmp_path: Path) -> None:
    source = write(tmp_path / "c.csv", 'sku,name,blurb,"size, cm",id,colour\n1,Mug,white,9,x,\n')
    named = {"id_field": "sku", "title_field": "name"}

    assert read(source, **named, text_field="blurb, colour", fields="id") == [
        Document("1", "white", "Mug", {"id": "x"})
    ]
    assert read(source, **named, text_field="blurb,name", fields="") == [Document("1", "white\nMug", "Mug")]
    assert read(source, **named, text_field="size, cm", fields="") == [Document("1", "9", "Mug")]
    assert read(source, **named, text_field="blurb")[0].fields == {"size, cm": "9", "id": "x", "colour": ""}


def test_number_is_text_if_its_column_was_named(tmp_path: Path) -> None:
    source = write(tmp_path / "c.jsonl", '{"id": 1, "title": 1984, "year": 1949}\n')

    assert read(source, text_field="year") == [Document("1", "1949", "1984")]


@pytest.mark.parametrize(
    "content", [r'{"_id": "\ud800", "title": "\udfff", "text": "a \ud83d\ude00", "k": ["\ud800"]}']
)
def test_lone_surrogates_become_replacement_characters_and_pairs_stay_whole(tmp_path: Path, content: str) -> None:
    [document] = read(write(tmp_path / "c.jsonl", content))

    assert document == Document("\ufffd", "a \N{GRINNING FACE}", "\ufffd", {"k": ["\ufffd"]})


def test_bad_records_are_skipped_counted_by_reason_and_written(tmp_path: Path) -> None:
    lines = ['{"_id": "a", "text": "x"}', "{", '{"_id": "a", "text": "y"}', '{"_id": "c"}', '{"_id": "a", "text": "z"}']
    source = write(tmp_path / "c.jsonl", "\n".join(lines).encode() + b'\n{"_id": "\xff"}\n')
    settings = CorpusSettings(skip_bad=True, skipped_file=write(tmp_path / "bad.jsonl", "an earlier report\n"))
    with SkipReport.opened(settings) as skipped:
        found = list(read_documents(source, settings, skipped))
    written = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]

    assert found == [Document("a", "x")]
    assert sorted(skipped.reasons.values()) == [1, 1, 1, 2]
    assert str(skipped).startswith("5 bad records were left out (2 × the id … was already used by an earlier record")
    assert [(row["line"], row["path"]) for row in written] == [(line, source) for line in (2, 3, 4, 5, 6)]
    assert "byte 10 of the line (0xff)" in written[-1]["reason"]
    assert written[0]["record"] == "{"


def test_bad_quotes_and_rows_are_skipped_without_the_good_rows_after_them(tmp_path: Path) -> None:
    table = b'id,text\na,x\nb,"two"words\nc,"caf\xe9\nnext"\nd\ne,y\n'
    report = SkipReport()
    found = list(read_documents(write(tmp_path / "c.csv", table), CorpusSettings(skip_bad=True), report))

    assert [document.doc_id for document in found] == ["a", "e"]
    assert report.count == 3


def test_skip_report_never_replaces_the_corpus(tmp_path: Path) -> None:
    source = write(tmp_path / "c.jsonl", JSONL)
    settings = CorpusSettings(skip_bad=True, skipped_file=source)
    with SkipReport.opened(settings) as skipped, pytest.raises(CorpusError, match="belongs to the corpus"):
        list(read_documents(source, settings, skipped))

    assert Path(source).read_text() == JSONL


def test_report_that_cannot_be_written_gives_one_line(tmp_path: Path) -> None:
    settings = CorpusSettings(skip_bad=True, skipped_file=str(tmp_path))
    with pytest.raises(CorpusError, match="cannot be written: Is a directory"), SkipReport.opened(settings):
        pass


def test_skipped_file_without_skip_bad_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="`skip_bad`"):
        CorpusSettings(skipped_file="bad.jsonl")


def test_published_collection_may_hold_documents_without_text(tmp_path: Path) -> None:
    write(tmp_path / "corpus.jsonl", '{"_id": "a", "title": "", "text": ""}\n')

    assert read(tmp_path) == [Document("a", "")]
    with pytest.raises(CorpusError, match="line 1: the text is empty"):
        read(tmp_path / "corpus.jsonl")


@pytest.mark.parametrize(
    ("content", "setting", "helps"),
    [
        ('{"id": "a", "text": "x"}\n{"id": "b", "text": "y"}\n', {"text_field": "txet"}, False),
        ('{"id": "a", "text": "x"}\n{"id": "b", "text": "y"}\n', {"id_field": "ident"}, False),
        ('{"id": "a", "text": "x"}\n{"id": "b"}\n', {"text_field": "text"}, True),
        ('{"id": "a", "text": ""}\n{"id": "b", "text": "y"}\n', {"text_field": "text"}, True),
    ],
)
def test_leaving_out_records_is_not_proposed_for_a_field_that_the_first_one_lacks(
    tmp_path: Path, content: str, setting: dict[str, str], helps: bool
) -> None:
    with pytest.raises(CorpusError) as caught:
        list(read_documents(write(tmp_path / "c.jsonl", content), CorpusSettings(**setting)))  # type: ignore[arg-type]

    assert ("`skip_bad`" in str(caught.value)) is helps
