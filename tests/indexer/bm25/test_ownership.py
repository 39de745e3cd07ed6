"""Replacing an embedded index removes the index, and nothing that a person has put into its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from resift.indexer.bm25.build import build_index
from resift.indexer.bm25.update import add_documents
from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document

ONE = [Document("1", "soup")]


def test_a_file_of_somebody_else_in_an_index_is_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build_index(ONE, folder)
    notes = folder / "notes.txt"
    notes.write_text("mine")
    (folder / "drafts").mkdir()
    with pytest.raises(IndexingError, match=r"not part of the index \(drafts, notes.txt\)"):
        build_index([Document("2", "salad")], folder, overwrite=True)
    assert notes.read_text() == "mine"
    notes.unlink()
    (folder / "drafts").rmdir()
    (folder / ".DS_Store").write_bytes(b"x")
    assert build_index([Document("2", "salad")], folder, overwrite=True).documents == 1


def test_an_index_that_was_changed_is_replaced(tmp_path: Path) -> None:
    build_index(ONE, tmp_path / "index")
    add_documents(tmp_path / "index", [Document("2", "salad")])
    assert build_index(ONE, tmp_path / "index", overwrite=True).documents == 1


def test_a_folder_that_is_not_an_index_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format": "another"}')
    with pytest.raises(IndexingError, match="is not an index"):
        build_index(ONE, tmp_path, overwrite=True)
    assert [one.name for one in tmp_path.iterdir()] == ["manifest.json"]
