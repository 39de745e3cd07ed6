"""The corpus that the ladder is trained on: a BEIR folder of all sources, each passage and query once."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from resift.indexer.corpora import read_collection
from resift.retrieval.errors import CorpusError
from scripts.train_ladder.__main__ import keep_earlier
from scripts.train_ladder.sources import write_corpus, write_dev
from tests.scripts.ladder_data import write_collection

PAIRS = [
    {"query": "what is iron", "title": "Iron", "positive": "A metal."},
    {"query": "what is iron ", "title": "Iron", "positive": "A chemical element."},
    {"query": "which metal rusts", "title": "Iron", "positive": "A metal."},
    {"query": "good phone", "title": None, "positive": "It rings."},
]


def write_pairs(shared: Path, name: str, lines: list[str]) -> None:
    (shared / "training").mkdir(parents=True, exist_ok=True)
    with gzip.open(shared / "training" / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))


def test_pairs_and_train_splits_become_one_collection(tmp_path: Path) -> None:
    write_pairs(tmp_path, "questions", [json.dumps(row) for row in PAIRS])
    write_pairs(tmp_path, "squadshifts-reddit", [json.dumps(PAIRS[0])])
    folder = write_collection(tmp_path)
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td3\t2\nq1\tgone\t1\n")
    counts = write_corpus(tmp_path, tmp_path / "corpus", ("questions", "squadshifts-reddit"), ("small",))
    collection = read_collection(tmp_path / "corpus", "train")
    documents = {one.doc_id: (one.title, one.text) for one in collection.documents()}
    assert counts == {"documents": len(documents), "queries": len(collection.queries), "judgements": 6}
    assert documents["questions-0"] == ("Iron", "A metal.") and documents["questions-2"] == ("", "It rings.")
    assert documents["squadshifts-reddit-0"] == ("", "A metal.")  # whose titles say nothing of the passage
    assert collection.qrels == {
        "questions-0": {"questions-0": 1, "questions-1": 1},
        "questions-1": {"questions-0": 1},
        "questions-2": {"questions-2": 1},
        "squadshifts-reddit-0": {"squadshifts-reddit-0": 1},
        "small-q1": {"small-d3": 2},
    }
    assert [one.text for one in collection.queries][:2] == ["what is iron", "which metal rusts"]
    assert "small-q0" not in {one.query_id for one in collection.queries}  # judged in the test split alone


@pytest.mark.parametrize(
    "line", ["{", '{"query": "a", "title": "b"}', '{"query": 1, "title": "", "positive": "c"}', "[]"]
)
def test_a_bad_line_is_named_and_leaves_the_earlier_corpus(line: str, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "kept").write_text("as it was")
    write_pairs(tmp_path, "questions", [json.dumps(PAIRS[0]), line])
    with pytest.raises(CorpusError, match=r"questions\.jsonl\.gz, line 2") as raised:
        write_corpus(tmp_path, tmp_path / "corpus", ("questions",), ())
    assert raised.value.line == 2
    assert (tmp_path / "corpus" / "kept").read_text() == "as it was"
    with pytest.raises(CorpusError, match="cannot be read"):
        write_corpus(tmp_path, tmp_path / "corpus", ("missing",), ())


def test_the_dev_queries_are_a_part_of_the_split_and_always_the_same(tmp_path: Path) -> None:
    folder = write_collection(tmp_path)
    whole = read_collection(folder, "test")
    wanted = len(whole.queries) - 1
    assert write_dev(folder, tmp_path / "one", wanted, "test") == wanted
    write_dev(folder, tmp_path / "two", wanted, "test")
    one, two = (read_collection(tmp_path / name, "dev") for name in ("one", "two"))
    assert [query.query_id for query in one.queries] == [query.query_id for query in two.queries]
    assert one.qrels == {query.query_id: whole.qrels[query.query_id] for query in one.queries}
    assert {document.doc_id for document in one.documents()} == {document.doc_id for document in whole.documents()}
    write_dev(folder, tmp_path / "some", 9, "test", whole.queries[0].query_id)
    assert whole.queries[0].query_id in read_collection(tmp_path / "some", "dev").qrels
    assert all(name.startswith(whole.queries[0].query_id) for name in read_collection(tmp_path / "some", "dev").qrels)


def test_a_step_that_is_given_again_begins_from_the_same_model(tmp_path: Path) -> None:
    delivered = tmp_path / "delivered" / "small"
    delivered.mkdir(parents=True)
    (delivered / "model.onnx").write_text("before the step")
    kept = keep_earlier(tmp_path, "longer", "small", "delivered/small")
    assert kept is not None and not kept.is_absolute()
    (delivered / "model.onnx").write_text("after the step")
    assert keep_earlier(tmp_path, "longer", "small", "delivered/small") == kept
    assert (tmp_path / kept / "model.onnx").read_text() == "before the step"
    other = keep_earlier(tmp_path, "both", "small", "delivered/small")
    assert other is not None and (tmp_path / other / "model.onnx").read_text() == "after the step"
    assert keep_earlier(tmp_path, "larger", "small", "teacher:4") is None
