"""NanoBEIR collections, read from a local copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resift.indexer.corpora import read_documents, read_nanobeir
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document, Query


def nano(root: Path, **changes: Sequence[Mapping[str, object]]) -> Path:
    """Write one set in the layout of sentence-transformers/NanoBEIR-en on the hub."""
    tables: dict[str, Sequence[Mapping[str, object]]] = {
        "corpus": [{"_id": "d1", "text": "x"}, {"_id": "d2", "text": ""}],
        "queries": [{"_id": "q1", "text": "one"}, {"_id": "q2", "text": "two"}],
        "qrels": [{"query-id": "q1", "corpus-id": "d1"}],
        "bm25": [{"query-id": "q1", "corpus-ids": ["d2", "d1"]}],
    }
    for config, rows in (tables | changes).items():
        (root / config).mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist([dict(row) for row in rows])
        pq.write_table(table, root / config / "NanoSciFact-00000-of-00001.parquet")
    return root


@pytest.mark.parametrize("name", ["SciFact", "NanoSciFact"])
def test_nanobeir_is_read_from_a_local_copy(tmp_path: Path, name: str) -> None:
    found = read_nanobeir(name, nano(tmp_path))

    assert (found.name, found.split) == ("NanoSciFact", "test")
    assert (found.queries, found.qrels) == ([Query("q1", "one")], {"q1": {"d1": 1}})
    assert found.first_stage == {"q1": ["d2", "d1"]}
    assert list(found.documents()) == [Document("d1", "x"), Document("d2", "")]
    assert list(read_documents(f"nanobeir:{name}@{tmp_path}")) == list(found.documents())


def test_nanobeir_judgements_may_be_graded_or_lists(tmp_path: Path) -> None:
    graded = [{"query-id": "q1", "corpus-id": "d1", "score": 2}, {"query-id": "q1", "corpus-id": "d2", "score": 0}]
    lists = [{"query-id": "q1", "corpus-id": ["d1", "d2"]}]

    assert read_nanobeir("SciFact", nano(tmp_path / "a", qrels=graded)).qrels == {"q1": {"d1": 2, "d2": 0}}
    assert read_nanobeir("SciFact", nano(tmp_path / "b", qrels=lists)).qrels == {"q1": {"d1": 1, "d2": 1}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corpus": [{"id": "d1", "text": "x"}]}, "NanoSciFact has no column '_id'; expected the columns of NanoBEIR"),
        ({"bm25": [{"query-id": "q1"}]}, "has no column 'corpus-ids'"),
        ({"corpus": [{"_id": "d1", "text": None}]}, "has a column of another type (a text or title is not a string)"),
        ({"bm25": [{"query-id": "q1", "corpus-ids": 5}]}, "has a column of another type"),
        ({"qrels": [{"query-id": "q1", "corpus-id": "d1", "score": "high"}]}, "has a column of another type"),
        ({"qrels": [{"query-id": "other", "corpus-id": "d1"}]}, "has no judgements for its queries"),
    ],
)
def test_bad_copy_of_nanobeir_is_refused(
    tmp_path: Path, changes: dict[str, list[dict[str, object]]], message: str
) -> None:
    with pytest.raises(CorpusError) as caught:
        read_nanobeir("SciFact", nano(tmp_path, **changes))

    assert (caught.value.path, caught.value.line) == (str(tmp_path), None)
    assert message in str(caught.value)


def test_set_that_a_local_copy_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        read_nanobeir("NQ", nano(tmp_path))

    assert str(caught.value).startswith(
        f"{tmp_path}: has no corpus/NanoNQ-*.parquet; expected the layout of sentence-transf"
    )
