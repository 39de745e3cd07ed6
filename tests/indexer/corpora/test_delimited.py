"""Tables: TSV has no quotes and often no header row, CSV has quotes and one of four delimiters."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from resift.indexer.corpora import CorpusSettings, Reading, read_documents
from resift.indexer.corpora.usual_names import DOCUMENTS
from resift.retrieval.errors import CorpusError, SettingsError
from resift.retrieval.types import Document

QUOTED = 'the "big" one'


def read(path: Path, content: str, **settings: str) -> tuple[list[Document], list[str]]:
    """Return the documents of a file with `content`, and the notes without the path."""
    path.write_text(content, encoding=settings.get("encoding", "utf-8"), newline="")
    reading = Reading()
    documents = list(read_documents(path, CorpusSettings(**settings), reading=reading))  # type: ignore[arg-type]
    return documents, [note.removeprefix(f"{path}: ") for note in reading.notes]


def test_quote_at_the_start_of_a_tsv_field_does_not_swallow_the_rows_after_it(tmp_path: Path) -> None:
    found, notes = read(tmp_path / "collection.tsv", '1\t"Six inches is\n2\ta "foot"\n3\t"half"\n4\tlast"\n')

    assert found == [
        Document("1", '"Six inches is'),
        Document("2", 'a "foot"'),
        Document("3", '"half"'),
        Document("4", 'last"'),
    ]
    assert notes == ["has no header row that is known, so its 2 columns were read as id, text; `columns` names others"]


@pytest.mark.parametrize(
    ("row", "expected", "names"),
    [
        ("7\tsome text", Document("7", "some text"), "2 columns were read as id, text"),
        ("7\tTitle of it\tsome text", Document("7", "some text", "Title of it"), "3 columns were read as id, title, text"),
        (
            "D7\thttp://x.org\tHead\tsome words",
            Document("D7", "some words", "Head", {"url": "http://x.org"}),
            "4 columns were read as id, url, title, text",
        ),
        ("id\tis a short word.", Document("id", "is a short word."), "2 columns were read as id, text"),
        ("7\ttext", Document("7", "text"), "2 columns were read as id, text"),
    ],
)  # fmt: skip
def test_tsv_without_a_header_row_keeps_its_first_row_and_says_what_was_assumed(
    tmp_path: Path, row: str, expected: Document, names: str
) -> None:
    found, [note] = read(tmp_path / "c.tsv", row + "\n")

    assert found == [expected]
    assert names in note


@pytest.mark.parametrize("header", ["id\ttext", "pid\tpassage", "docid\tContents", "Doc-ID\tText", "Nr\tBeschreibung"])
def test_usual_names_are_a_header_row_in_any_case(tmp_path: Path, header: str) -> None:
    assert read(tmp_path / "c.tsv", header + "\n7\tsome text\n") == ([Document("7", "some text")], [])


def test_fields_that_a_csv_writer_wrapped_in_quotes_are_unwrapped_as_its_reader_does(tmp_path: Path) -> None:
    rows = [["id", "text", "title"], ["1", QUOTED, '"A"'], ["2", "plain", "say 'so'"], ["3", 'it "is"', "T"]]
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        with open(tmp_path / "psgs.tsv", "w", newline="") as file:
            csv.writer(file, delimiter="\t", quoting=quoting).writerows(rows)
        expected = [Document(doc_id, text, title) for doc_id, text, title in rows[1:]]

        assert list(read_documents(tmp_path / "psgs.tsv")) == expected


def test_tsv_with_line_breaks_in_quotes_is_read_as_csv_on_request(tmp_path: Path) -> None:
    content = 'id\ttext\n1\t"one\ntwo"\n'

    assert read(tmp_path / "c.tsv", content, format="csv")[0] == [Document("1", "one\ntwo")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_of_csv_is_recognized(tmp_path: Path, delimiter: str) -> None:
    rows = [["id", "text", "price"], ["1", "red, green; blue | so\ton", "3,50"], ["2", QUOTED, "1"]]
    with open(tmp_path / "c.csv", "w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)

    assert list(read_documents(tmp_path / "c.csv")) == [
        Document(doc_id, text, fields={"price": price}) for doc_id, text, price in rows[1:]
    ]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16"])
def test_german_excel_file_is_read(tmp_path: Path, encoding: str) -> None:
    table = 'Artikelnummer;Titel;Beschreibung;Preis\r\n17;Müsli;"süß; nahrhaft";3,50\r\n;;;\r\n18;Brot;frisch;1,20;\r\n'
    found, notes = read(tmp_path / "Artikel.csv", table, encoding=encoding)

    assert found == [
        Document("17", "süß; nahrhaft", "Müsli", {"Preis": "3,50"}),
        Document("18", "frisch", "Brot", {"Preis": "1,20"}),
    ]
    assert notes == []


def test_separator_line_of_excel_is_not_part_of_the_table(tmp_path: Path) -> None:
    assert read(tmp_path / "c.csv", "sep=|\r\nid|text\r\n1|x, y\r\n")[0] == [Document("1", "x, y")]


def test_blanks_after_the_delimiters_do_not_hide_quotes(tmp_path: Path) -> None:
    assert read(tmp_path / "c.csv", 'id, text\n1, "a, b"\n')[0] == [Document("1", "a, b")]


@pytest.mark.parametrize("delimiter", ["semicolon", ";"])
def test_columns_and_delimiter_can_be_named(tmp_path: Path, delimiter: str) -> None:
    settings = {"columns": "sku,text,id", "delimiter": delimiter}

    assert read(tmp_path / "c.csv", "a;b;1\nc;d;2\n", **settings) == (
        [Document("1", "b", fields={"sku": "a"}), Document("2", "d", fields={"sku": "c"})],
        [],
    )
    assert read(tmp_path / "c.csv", "SKU;Text;ID\na;b;1\n", **settings)[0] == [Document("1", "b", fields={"sku": "a"})]


def test_csv_whose_first_row_has_a_number_has_no_header_row(tmp_path: Path) -> None:
    found, [note] = read(tmp_path / "c.csv", '1,"Lentil soup, red"\n2,Bread\n')

    assert found == [Document("1", "Lentil soup, red"), Document("2", "Bread")]
    assert "2 columns were read as id, text" in note


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.csv", "Rezept,Zutaten\nSuppe,Linsen\n", "but 'Rezept', 'Zutaten'; if it is a header row, name its columns"),
        ("c.tsv", "a\tb\tc\td\te\n", "else name the columns with `columns`, such as id,title,text"),
    ],
)
def test_columns_that_remain_unknown_are_never_guessed(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(CorpusError, match="line 1: the first row has none of the usual names") as caught:
        read(tmp_path / name, content)
    assert message in str(caught.value)


def test_number_of_named_columns_must_be_that_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="the first row has 2 columns, but `columns` names 3: 'id', 'title', 'text'"):
        read(tmp_path / "c.tsv", "1\tx\n", columns="id,title,text")


@pytest.mark.parametrize("delimiter", ["", "::", '"', "\n", "space"])
def test_unknown_delimiter_is_a_wrong_setting(delimiter: str) -> None:
    with pytest.raises(
        SettingsError, match="delimiter: .* expected one of comma, semicolon, tab, pipe, or a character"
    ):
        CorpusSettings(delimiter=delimiter)


def test_columns_of_other_names_are_found_if_the_settings_name_them(tmp_path: Path) -> None:
    found, notes = read(tmp_path / "c.tsv", "Kurz\tLang\na\tsome text\n", id_field="kurz", text_field="lang")

    assert (found, notes) == ([Document("a", "some text")], [])


def test_every_usual_name_of_a_column_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "documents.md").read_text(encoding="utf-8")

    assert [name for name in (*DOCUMENTS.ids, *DOCUMENTS.titles, *DOCUMENTS.texts) if f"`{name}`" not in text] == []


def test_column_below_a_header_row_that_is_in_quotes_throughout_is_unwrapped(tmp_path: Path) -> None:
    """DPR's psgs_w100.tsv: texts are always in quotes, titles only if they have quotes themselves."""
    rows = ['1\t"Aaron was a prophet"\tAaron', '2\t"so ""Moses"" said"\t"""Heat"" (album)"', '3\t"""yes"""\t"Heroes"']
    path = tmp_path / "psgs_w100.tsv"
    found, notes = read(path, "\n".join(["id\ttext\ttitle", *rows, *['4\t"x"\tY'] * 0, ""]))

    assert found == [
        Document("1", "Aaron was a prophet", "Aaron"),
        Document("2", 'so "Moses" said', '"Heat" (album)'),
        Document("3", '"yes"', '"Heroes"'),
    ]
    assert notes == ["every cell of a column is in quotes, which are left out (column 'text')"]


@pytest.mark.parametrize(
    "content",
    [
        'id\ttext\n1\t"one"\n2\t"two" too\n3\t"three"\n',
        'id\ttext\n1\t"one"\n',
        "".join(["id\ttext\n", *(f'{number}\t"a"\n' for number in range(98)), "98\tb\n"]),
    ],
)
def test_quotes_of_a_column_that_is_not_in_quotes_throughout_stay(tmp_path: Path, content: str) -> None:
    found, notes = read(tmp_path / "c.tsv", content)

    assert [f"{one.doc_id}\t{one.text}" for one in found] == content.splitlines()[1:]
    assert notes == []


def test_candidates_of_queries_are_not_documents(tmp_path: Path) -> None:
    """MS MARCO's top1000.dev has a query id, a passage id, the query and the passage, sorted by the passage id."""
    content = "188714\t1000052\tfoods for pressure\tWatch portion\n1082792\t1000084\twhat is golgi\tThe\n"
    with pytest.raises(CorpusError, match="look like the candidates of queries") as caught:
        read(tmp_path / "top1000.tsv", content)

    assert caught.value.line == 1
    found, _ = read(tmp_path / "top1000.tsv", content, columns="id,group,title,text")
    assert [one.doc_id for one in found] == ["188714", "1082792"]
    found, _ = read(tmp_path / "docs.tsv", content.replace("\t1000", "\thttp://a/1000"))
    assert [one.title for one in found] == ["foods for pressure", "what is golgi"]


def test_a_table_of_very_many_columns_is_read(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(30_000)]
    (tmp_path / "c.csv").write_text(f"id,text,{','.join(names)}\nd1,soup,{','.join('x' for _ in names)}\n")
    [document] = read_documents(tmp_path / "c.csv")
    assert (document.doc_id, document.text, len(document.fields)) == ("d1", "soup", 30_000)
