"""A load is resumed only with the same source, target and settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resift.indexer.engine.checkpoint import Checkpoint, CheckpointFile
from resift.indexer.engine.mapping import rename_fields
from resift.indexer.engine.resume import fingerprint
from resift.indexer.passages import split_documents
from resift.retrieval.engine.fields import PARENT
from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document

SETTINGS: dict[str, Any] = {"language": "english", "passage_words": 0, "alias": None}

GOOD: dict[str, Any] = {
    "target": "http://h/i",
    "source": "file",
    "index": "i",
    "token": "t",
    "how": SETTINGS,
    "done": 1,
}


def test_refused_documents_that_a_killed_load_did_not_count_are_removed(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path, "http://h/i")
    checkpoint = Checkpoint.from_json(json.dumps(GOOD))
    file.append_refusals(["one\n"], checkpoint)
    before = checkpoint.listed
    file.append_refusals(["two\n"], checkpoint)
    checkpoint.listed = before  # as in the checkpoint on the disk
    file.append_refusals(["two\n", "three\n"], checkpoint)
    assert file.refusals.read_text() == "one\ntwo\nthree\n"


def test_a_checkpoint_of_an_older_version_is_read_and_the_file_keeps_its_names(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path, "http://h/i")
    file.path.write_text(json.dumps({**GOOD, "created": 1, "refused": 0, "listed": 0}))
    checkpoint = file.read("http://h/i", "file", SETTINGS)
    assert (checkpoint.load_id, checkpoint.settings, checkpoint.done) == ("t", SETTINGS, 1)
    before = json.loads(file.path.read_text())
    file.write(checkpoint)
    assert json.loads(file.path.read_text()) == {**before, "kept": {}, "replaced": 0}


def test_a_checkpoint_is_read_by_the_same_load(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path, "http://h/i")
    written = Checkpoint("http://h/i", "file", "i", "token", SETTINGS, 5, 4, 1)
    file.write(written)
    assert CheckpointFile(tmp_path, "http://h/i").read("http://h/i", "file", dict(SETTINGS)) == written


@pytest.mark.parametrize(
    ("source", "settings", "part"),
    [
        ("another", SETTINGS, "read file, but this is another"),
        ("file", {**SETTINGS, "passage_words": 50}, "used passage_words 0, not 50"),
        ("file", {**SETTINGS, "alias": "live"}, "used alias None, not 'live'"),
        ("file", {**SETTINGS, "id_field": "sku"}, "used id_field None, not 'sku'"),
    ],
)
def test_a_different_load_does_not_resume_from_it(
    tmp_path: Path, source: str, settings: dict[str, Any], part: str
) -> None:
    file = CheckpointFile(tmp_path, "http://h/i")
    file.write(Checkpoint("http://h/i", "file", "i", "token", SETTINGS))
    with pytest.raises(IndexingError, match=part):
        file.read("http://h/i", source, settings)


def test_long_addresses_have_different_files_for_each_index(tmp_path: Path) -> None:
    hosts = ",".join(f"http://node-{n}.a-rather-long-name.example.org:9200" for n in range(6))
    paths = {CheckpointFile(tmp_path, f"{hosts}/{index}").path for index in ("articles", "products")}
    paths.add(CheckpointFile(tmp_path, "http://elsewhere:9200/articles").path)
    assert len(paths) == 3 and all(len(path.name) < 200 for path in paths)


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"target": 1}', "not json", json.dumps({**GOOD, "done": -5}), json.dumps({**GOOD, "how": None})],
)
def test_a_file_that_is_not_a_checkpoint_is_an_error(tmp_path: Path, content: str) -> None:
    file = CheckpointFile(tmp_path, "http://h/i")
    file.path.write_text(content)
    with pytest.raises(IndexingError, match="load again without `resume`"):
        file.read("http://h/i", "file", SETTINGS)


def test_a_changed_source_has_a_different_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "corpus.jsonl").write_text("one")
    before = [fingerprint(str(tmp_path / "b")), fingerprint(str(tmp_path / "b" / "corpus.jsonl"))]
    assert before == [fingerprint(str(tmp_path / "b")), fingerprint(str(tmp_path / "b" / "corpus.jsonl"))]
    (tmp_path / "b" / "corpus.jsonl").write_text("another")
    after = [fingerprint(str(tmp_path / "b")), fingerprint(str(tmp_path / "b" / "corpus.jsonl"))]
    assert before[0] != after[0] and before[1] != after[1]
    with pytest.raises(IndexingError, match="cannot be read again"):
        fingerprint("-", resume=True)


@pytest.mark.parametrize("words", [0, 1])
def test_a_collections_own_field_is_not_mistaken_for_the_parent_of_a_passage(words: int) -> None:
    document = rename_fields(Document("d", "text", fields={"resift_parent": "theirs", "title": "own", "_id": 3}))
    [entry] = split_documents([document], words, 0, PARENT)
    assert (entry.fields["field_title"], entry.fields["field_id"]) == ("own", 3)
    assert entry.fields["field_resift_parent"] == "theirs"
    assert entry.fields.get("resift_parent") == ("d" if words else None)
