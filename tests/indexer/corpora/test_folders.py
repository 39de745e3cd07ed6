"""Files in folders: the ids that they have there and alone, and what is said of files that are not read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resift.indexer.corpora import CorpusSettings, Reading, SkipReport, read_documents
from resift.retrieval.errors import CorpusError
from tests.indexer.corpora.corpus_files import read_with_notes, write


def test_id_of_a_single_file_is_its_path_below_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "notes" / "Küche" / "Soße.md", "# Soße\nwords")
    (tmp_path / "link").symlink_to(tmp_path / "notes")
    monkeypatch.chdir(tmp_path)

    assert [document.doc_id for document in read_with_notes(tmp_path / "notes")[0]] == ["Küche/Soße.md"]
    for source in (file, "notes/Küche/Soße.md", tmp_path / "link" / "Küche" / "Soße.md", "link/../notes/Küche/Soße.md"):
        for root in ("notes", "notes/", "./link", str(tmp_path / "notes")):
            assert [document.doc_id for document in read_with_notes(source, root=root)[0]] == ["Küche/Soße.md"]
    assert [document.doc_id for document in read_with_notes("notes/Küche", root="notes")[0]] == ["Küche/Soße.md"]
    assert read_with_notes(file)[0][0].doc_id == "Soße.md"


def test_file_that_is_not_below_the_root_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "notes" / "a.md", "words")
    (tmp_path / "notes-2").mkdir()

    for root in (tmp_path / "notes-2", tmp_path / "notes" / "deep", file):
        with pytest.raises(CorpusError, match=r"is not below the folder|is not a folder; expected with `root`"):
            read_with_notes(file, root=str(root))
    with pytest.raises(CorpusError, match="is not below the folder"):
        read_with_notes(tmp_path / "notes", root=str(tmp_path / "notes-2"))


def test_an_addition_says_how_the_ids_of_files_are_made(tmp_path: Path) -> None:
    file = write(tmp_path / "deep" / "a.md", "words")
    table = write(tmp_path / "c.csv", "id,text\n1,x\n")

    def notes(source: Path, root: Path | None) -> list[str]:
        reading = Reading()
        settings = CorpusSettings(root=None if root is None else str(root))
        list(read_documents(source, settings, reading=reading, make_ids=False))
        return [note.removeprefix(f"{source}: ") for note in reading.notes]

    assert notes(file, None) == ["its id is a.md; if it is in a folder that was indexed, set `root` to that"]
    assert notes(tmp_path / "deep", None) == ["ids are the paths below it; set `root` if another folder was indexed"]
    assert notes(file, tmp_path) == [f"ids are the paths below {tmp_path}"]
    assert notes(table, None) == []
    assert notes(table, tmp_path) == ["its records have their own ids, so `root` has no effect"]


def test_a_folder_says_as_what_it_is_read_if_it_has_files_that_could_be_documents(tmp_path: Path) -> None:
    write(tmp_path / "a" / "part.csv", "id,text\n1,x\n")
    write(tmp_path / "a" / "README.md", "# About")
    write(tmp_path / "b" / "corpus.jsonl", '{"_id": "1", "text": "x"}\n')
    write(tmp_path / "b" / "note.md", "words")
    write(tmp_path / "b" / "README.md", "# About")

    assert read_with_notes(tmp_path / "a")[1] == [
        "is read as a folder of csv files, as it has no other document; README.md is not read (set `format` to folder for that)"
    ]
    assert read_with_notes(tmp_path / "b")[1] == [
        "is read as a BEIR folder, as it has corpus.jsonl; note.md is not read (set `format` to folder for that)"
    ]
    assert [document.doc_id for document in read_with_notes(tmp_path / "a", format="folder")[0]] == ["README.md"]


def test_a_whole_file_that_was_left_out_is_listed_without_an_empty_record_and_in_the_callers_words(
    tmp_path: Path,
) -> None:
    write(tmp_path / "notes" / "bad.md", b"caf\xe9")
    write(tmp_path / "notes" / "good.md", "words")
    settings = CorpusSettings(skip_bad=True, skipped_file=str(tmp_path / "bad.jsonl"))
    with SkipReport.opened(settings, lambda reason: reason.replace("`encoding`", "--encoding")) as report:
        list(read_documents(tmp_path / "notes", settings, report))

    row = json.loads((tmp_path / "bad.jsonl").read_text())
    assert row.keys() == {"path", "line", "reason"}
    assert row["reason"].endswith("name the right one with --encoding")
