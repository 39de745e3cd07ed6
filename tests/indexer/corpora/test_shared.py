"""The shared judged collections, and the memory that reading a large corpus takes."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest

from resift.indexer.corpora import read_collection, read_documents
from resift.retrieval.trec import read_qrels, read_run

COLLECTIONS = Path(os.environ.get("RESIFT_SHARED", Path(__file__).parents[4] / "shared")) / "collections"

shared = [
    pytest.mark.shared,
    pytest.mark.skipif(not COLLECTIONS.is_dir(), reason=f"{COLLECTIONS} does not exist; set RESIFT_SHARED"),
]


@pytest.mark.parametrize(
    ("name", "split", "documents", "queries", "judgements"),
    [
        pytest.param(*row, marks=shared, id=f"{row[0]}-{row[1]}")
        for row in (
            ("nfcorpus", "test", 3633, 323, 12334),
            ("nfcorpus", "dev", 3633, 324, 11385),
            ("nfcorpus", "train", 3633, 2590, 110575),
            ("scifact", "test", 5183, 300, 339),
            ("scifact", "train", 5183, 809, 919),
            ("arguana", "test", 8674, 1401, 1401),
            ("cranfield", "test", 1398, 225, 1611),
            ("npl", "test", 11429, 93, 2083),
            ("hotpotqa-dev500", "test", 4858, 500, 1000),
            ("germanquad", "test", 474, 2204, 2204),
            ("dl19", "test", 12788, 43, 4072),
            ("dl19", "all", 12788, 43, 9260),
            ("med", "dev", 1033, 30, 696),
            ("time", "dev", 423, 82, 321),
            ("squad-dev", "dev", 2067, 1000, 1000),
        )
    ],
)
def test_collection_has_the_documents_queries_and_judgements_of_its_readme(
    name: str, split: str, documents: int, queries: int, judgements: int
) -> None:
    """The numbers are those of the files: the README has one judgement more for cranfield, three more for time."""
    found = read_collection(COLLECTIONS / name, split)

    assert sum(1 for _ in found.documents()) == documents
    assert len(found.queries) == queries
    assert sum(map(len, found.qrels.values())) == judgements


@pytest.mark.shared
@pytest.mark.skipif(not COLLECTIONS.is_dir(), reason=f"{COLLECTIONS} does not exist; set RESIFT_SHARED")
def test_every_run_of_dl19_ranks_the_43_judged_queries() -> None:
    judged = set(read_qrels(COLLECTIONS / "dl19" / "qrels" / "all.trec"))
    runs = sorted((COLLECTIONS / "dl19" / "runs").glob("*.trec"))

    assert len(judged) == 43
    assert len(runs) == 7
    for run in runs:
        assert set(read_run(run)) == judged


def test_reading_json_lines_keeps_only_the_ids_in_memory(tmp_path: Path) -> None:
    count, text = 4000, "x" * 5000
    with (tmp_path / "c.jsonl").open("w") as file:
        for number in range(count):
            file.write(json.dumps({"_id": f"document-{number}", "text": text, "k": [number]}) + "\n")
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_documents(tmp_path / "c.jsonl")) == count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < count * 250 + 300_000  # bytes: the set of ids and a few lines; the file has 20 MB
