"""Files that broke other loaders, as people reported in public; each test names the report."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from resift.indexer.corpora import read_documents
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document
from tests.indexer.corpora.corpus_files import read_with_notes, write

ROWS = [Document("1", "one"), Document("2", "two")]


@pytest.mark.parametrize(
    ("report", "name", "content"),
    [
        ("castorini/pyserini#242: pretty-printed objects, one after the other", "c.jsonl", '{\n"id": "1",\n"contents": "one"\n}\n{\n"id": "2",\n"contents": "two"\n}\n'),
        ("THUDM/LongCite#11: an array in each line", "c.jsonl", '[{"id": 1, "text": "one"}]\n[{"id": 2, "text": "two"}]\n'),
        ("elasticsearch-dump#136: an array with commas at the start of lines", "c.json", '[\n{"_index":"i","_id":"1","_source":{"text":"one"}}\n,{"_index":"i","_id":"2","_source":{"text":"two"}}\n]'),
        ("elasticsearch-dump#211: ids of MongoDB's export", "c.json", '{"_id": {"$oid": "1"}, "text": "one"}\n{"_id": {"$oid": "2"}, "text": "two"}\n'),
        ("beir-cellar/beir#78: a title that is null", "c.jsonl", '{"_id": "1", "title": null, "text": "one"}\n{"_id": "2", "text": "two"}\n'),
        ("votingworks/arlo#883: lines that end with a carriage return alone", "c.csv", "id,text\r1,one\r2,two\r"),
        ("SheetJS/sheetjs#2080: two carriage returns at the end of lines", "c.csv", "id,text\r\r\n1,one\r\r\n2,two\r\r\n"),
        ("pandas-dev/pandas#14124: rows that end with a delimiter", "c.csv", "id,text\n1,one,\n2,two,\n"),
        ("pandas-dev/pandas#41304: the same with quotes and semicolons", "c.csv", '"id";"text"\n"1";"one";\n"2";"two";\n'),
        ("ohadmata/shmessy#109: blanks before quotes", "c.csv", 'id,text\n1, "one"\n2, "two"\n'),
        ("cpadavis/billy#18: the index of pandas as a first column without a name", "c.csv", ",text\n1,one\n2,two\n"),
    ],
)  # fmt: skip
def test_file_that_was_reported_is_read(tmp_path: Path, report: str, name: str, content: str) -> None:
    assert read_with_notes(write(tmp_path / name, content), fields="")[0] == ROWS, report


def test_quoted_header_after_a_byte_order_mark_keeps_its_columns(tmp_path: Path) -> None:
    """crewAIInc/crewAI#7466."""
    path = write(tmp_path / "c.csv", '\ufeff"last, first",text\n"Doe, Jane",words\n')

    assert read_with_notes(path, id_field="last, first")[0] == [Document("Doe, Jane", "words")]


@pytest.mark.parametrize(
    ("report", "content", "texts"),
    [
        ("mholt/PapaParse#861", "item_id;description\nmy-id;One, two, three, four.\n", ["One, two, three, four."]),
        ("bis-med-it/pysdmx#460", "id,text\n1,a|b|c|d\n2,e|f|g|h\n", ["a|b|c|d", "e|f|g|h"]),
        ("SheetJS/sheetjs#732", 'id,text\n1,"value with\ttab"\n', ["value with\ttab"]),
    ],
)
def test_delimiter_is_not_mistaken_for_a_character_of_the_texts(
    tmp_path: Path, report: str, content: str, texts: list[str]
) -> None:
    found = read_documents(write(tmp_path / "c.csv", content))

    assert [document.text for document in found] == texts, report


def test_delimiter_is_the_one_that_most_rows_have_apart_from_their_empty_ends(tmp_path: Path) -> None:
    """mechatroner/vscode_rainbow_csv#134: each row has one comma, and six or seven semicolons."""
    rows = ["April 15, 2023;40;25;Ray;pending;", "April 14, 2023;44;25;Scott;pending;", "April 9, 2023;51;16;Lonny;"]
    path = write(tmp_path / "c.csv", "\n".join(rows))
    with pytest.raises(CorpusError, match="line 3: 5 columns; expected 6"):
        read_with_notes(path, columns="text,id,b,c,d,e")


def test_line_separators_of_unicode_do_not_end_a_record(tmp_path: Path) -> None:
    """wbolster/jsonlines#53, datalad/datalad#3523: NEL and U+2028 are allowed in JSON strings."""
    text = "one\u2028two\x85three\u2029four\x0bfive"
    rows = json.dumps({"id": "1", "text": text}, ensure_ascii=False)
    for name, content in (
        ("c.jsonl", rows),
        ("c.json", f"[{rows}]"),
        ("c.tsv", f"1\t{text}\n"),
        ("c.csv", f"id,text\n1,{text}\n"),
    ):
        assert read_with_notes(write(tmp_path / name, content))[0] == [Document("1", text)]


def test_columns_of_mixed_types_are_not_an_error(tmp_path: Path) -> None:
    """huggingface/datasets#6460 and RUC-NLPIR/FlashRAG#132: a field is a text in one record, and a number in another."""
    path = write(tmp_path / "c.jsonl", '{"id": 1, "text": "one", "x": [0, "a"]}\n{"id": "2", "text": "two", "x": 5}\n')

    assert [document.fields["x"] for document in read_documents(path)] == [[0, "a"], 5]


def test_quote_alone_in_a_cell_is_read_if_the_table_has_no_quotes(tmp_path: Path) -> None:
    """pandas-dev/pandas#22140: the rest of the file was read as one field."""
    path = write(tmp_path / "c.csv", 'id|text|n\n1|one|p\n2|"|q\n3|three|r\n')
    with pytest.raises(
        CorpusError, match="line 3: .* for a table without quotes, set `format` to tsv, and `delimiter`"
    ):
        read_with_notes(path)

    found, _ = read_with_notes(path, format="tsv", delimiter="pipe", fields="")
    assert found == [Document("1", "one"), Document("2", '"'), Document("3", "three")]


def test_byte_that_cp1252_does_not_have_is_reported_with_its_place(tmp_path: Path) -> None:
    """langchain-ai/langchain#7479: 'charmap' codec can't decode byte 0x9d."""
    path = write(tmp_path / "c.csv", "id,text\n1,“one”\n")
    with pytest.raises(CorpusError, match=r"line 2: byte 11 of the line \(0x9d\) is not cp1252; name the right one"):
        read_with_notes(path, encoding="cp1252")

    assert read_with_notes(path)[0] == [Document("1", "“one”")]


def test_record_without_the_text_is_an_error_that_names_what_is_there(tmp_path: Path) -> None:
    """castorini/anserini#961: a NullPointerException without the field `contents`."""
    path = write(tmp_path / "c.jsonl", '{"id": "1", "words": "x"}\n')
    with pytest.raises(CorpusError, match="line 1: no text: expected any of text, body, .* but found 'id', 'words'"):
        read_with_notes(path)


def test_three_layouts_of_a_folder_that_anserini_reads_are_read(tmp_path: Path) -> None:
    """castorini/pyserini#195: one object per file, an array per file, and lines; the folder, not a file, is named."""
    for folder, files in {
        "objects": {"a.json": '{\n"id": "1",\n"contents": "one"\n}', "b.json": '{\n"id": "2",\n"contents": "two"\n}'},
        "arrays": {"a.json": '[\n{"id": "1", "contents": "one"},\n{"id": "2", "contents": "two"}\n]'},
        "lines": {"a.jsonl": '{"id": "1", "contents": "one"}\n', "b.jsonl.gz": '{"id": "2", "contents": "two"}\n'},
    }.items():
        for name, content in files.items():
            packed = gzip.compress(content.encode()) if name.endswith(".gz") else content
            write(tmp_path / folder / name, packed)
        assert read_with_notes(tmp_path / folder)[0] == ROWS


def test_empty_documents_of_a_published_collection_are_named_if_its_file_is_read_alone(tmp_path: Path) -> None:
    """beir-cellar/beir#158: FiQA has documents without text; its folder is read with them, its file with `skip_bad`."""
    path = write(
        tmp_path / "corpus.jsonl", '{"_id": "1", "title": "", "text": "one"}\n{"_id": "7", "title": "", "text": ""}\n'
    )

    assert [document.doc_id for document in read_documents(tmp_path)] == ["1", "7"]
    with pytest.raises(CorpusError, match="line 2: the text is empty"):
        read_with_notes(path)
    assert read_with_notes(path, skip_bad=True)[0] == [Document("1", "one")]
