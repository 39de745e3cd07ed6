"""`resift index` on a person's own files: what it says of them, and what is loaded."""

from __future__ import annotations

import json
from pathlib import Path

from tests.rerank.cli.invoke import assert_one_line, invoke


def test_note_on_what_was_assumed_names_the_option(tmp_path: Path) -> None:
    source = tmp_path / "collection.tsv"
    source.write_text('1\t"Six inches is\n2\ta "foot"\n')
    done = invoke("index", str(source), "--to", f"bm25:{tmp_path / 'index'}", "--json")

    assert (done.code, json.loads(done.out)["documents"]) == (0, 2)
    assert done.err.splitlines() == [
        f"note: {source}: has no header row that is known, so its 2 columns were read as id, text; --columns names others"
    ]


def test_one_bad_file_of_a_folder_is_named_with_the_option_that_leaves_it_out(tmp_path: Path) -> None:
    folder, target = tmp_path / "notes", f"bm25:{tmp_path / 'index'}"
    folder.mkdir()
    (folder / "good.md").write_text("# Soup\nlentils")
    (folder / "bad.txt").write_bytes(b"caf\xe9")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    done = invoke("index", str(folder), "--to", target)
    assert_one_line(
        done, 1, f"{folder / 'bad.txt'}, line 1: byte 4 (0xe9) is not utf-8; it is 'é' in cp1252", "--encoding"
    )
    assert done.error_line.endswith(" (indexing with --skip-bad leaves bad records out)")

    done = invoke("index", str(folder), "--to", target, "--skip-bad", "--json")
    report = json.loads(done.out)
    assert (done.code, report["documents"], report["skipped"], report["other_files"]) == (0, 1, 1, 1)
    assert done.err.splitlines() == [
        "note: 1 bad record was left out (1 × byte … (…) is not utf-8); 1 file that is not a document was skipped (1 .png)"
    ]


def test_german_excel_file_is_loaded_and_found(tmp_path: Path) -> None:
    source, target = tmp_path / "Artikel.csv", f"bm25:{tmp_path / 'index'}"
    source.write_bytes("Artikelnummer;Bezeichnung;Langtext;Preis\r\n17;Müsli;süß, gut;3,50\r\n".encode("cp1252"))
    done = invoke("index", str(source), "--to", target, "--encoding", "cp1252", "--language", "german")
    assert (done.code, done.err) == (0, "")

    [hit] = json.loads(invoke("search", target, "Müsli", "--model", "none", "--json").out)["hits"]
    assert (hit["doc_id"], hit["title"], hit["text"]) == ("17", "Müsli", "süß, gut")
    assert hit["fields"] == {"Preis": "3,50"}


def test_documents_without_ids_are_not_added_since_another_file_would_replace_them(tmp_path: Path) -> None:
    source, target = tmp_path / "today.jsonl", f"bm25:{tmp_path / 'index'}"
    source.write_text('{"text": "lentils"}\n')
    assert invoke("index", str(source), "--to", target).code == 0

    source.write_text('{"text": "carrots"}\n')
    assert_one_line(invoke("add", str(source), "--to", target), 1, "line 1: no id", "--id-field")
