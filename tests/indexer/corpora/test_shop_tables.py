"""Tables as spreadsheets and shops write them, in other languages than English."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pytest

from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.settings import CorpusSettings
from resift.indexer.corpora.sources import read_documents
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document


def read(path: Path, content: bytes, **settings: Any) -> tuple[list[Document], list[str]]:
    path.write_bytes(content)
    reading = Reading()
    return list(read_documents(path, CorpusSettings(**settings), reading=reading)), reading.notes


@pytest.mark.parametrize("name", ["Artikelnr", "Art.-Nr.", "ArtNr", "Artikel-Nr", "ART NR", "SKU", "Numéro article"])
@pytest.mark.parametrize("text", ["Kurzbeschreibung", "Langbeschreibung", "Beschreibungstext", "Descripción", "Testo"])
def test_names_of_ids_and_texts_are_recognized_however_they_are_written(tmp_path: Path, name: str, text: str) -> None:
    found, notes = read(tmp_path / "t.csv", f"{name};Titel;{text}\nA1;Hammer;Stahl\n".encode())
    assert (found, notes) == ([Document("A1", "Stahl", "Hammer")], [])


def test_a_price_is_the_text_only_if_there_is_nothing_else(tmp_path: Path) -> None:
    found, _ = read(tmp_path / "t.csv", b"id;VK-Preis;Farbe\nA1;1,11 EUR;rot\n")
    assert found == [Document("A1", "rot", fields={"VK-Preis": "1,11 EUR", "Farbe": "rot"})]
    found, notes = read(tmp_path / "t.csv", b"id;Preis\nA1;1,11 EUR\n")
    assert found[0].text == "1,11 EUR"
    assert "so it is Preis" in notes[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_counts_more_than_the_named_encoding(tmp_path: Path, encoding: str) -> None:
    found, notes = read(tmp_path / "t.csv", "id;title;text\nA1;Möbel;Tür\n".encode(encoding), encoding="cp1252")
    assert found == [Document("A1", "Tür", "Möbel")]
    name = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16"}[encoding]
    assert notes == [f"{tmp_path / 't.csv'}: is read as {name} and not as cp1252, as its byte order mark says"]


def test_a_mark_that_agrees_with_the_named_encoding_gives_no_note(tmp_path: Path) -> None:
    assert read(tmp_path / "t.csv", codecs.BOM_UTF8 + b"id;text\nA1;x\n", encoding="utf-8-sig")[1] == []
    assert read(tmp_path / "t.csv", "id;text\nA1;x\n".encode("utf-16"), encoding="utf-16")[1] == []


def test_rows_of_a_mac_may_have_line_feeds_in_cells(tmp_path: Path) -> None:
    found, _ = read(tmp_path / "t.csv", b'id;title;text\rA1;Hammer;"Zeile eins\nZeile zwei"\rA2;Zange;Stahl\r')
    assert found == [Document("A1", "Zeile eins\nZeile zwei", "Hammer"), Document("A2", "Stahl", "Zange")]


def test_a_carriage_return_in_a_cell_does_not_end_the_rows_of_other_files(tmp_path: Path) -> None:
    found, _ = read(tmp_path / "t.csv", b'id;text\nA1;"one\rtwo"\nA2;three\n')
    assert [document.doc_id for document in found] == ["A1", "A2"]


def test_columns_without_a_name_are_fields_only_where_they_have_a_value(tmp_path: Path) -> None:
    found, _ = read(tmp_path / "t.csv", b"id;title;text;;\nA1;H;T;;\nA2;H;T\nA3;H;T;;note\n")
    assert [document.fields for document in found] == [{}, {}, {"column 5": "note"}]


def test_a_title_above_the_table_is_named_as_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="line 1: the first row has the one cell 'Preisliste 2026'.*delete the rows"):
        read(tmp_path / "t.csv", b"Preisliste 2026;;;\nid;title;text;url\nA1;H;T;u\n")
