"""A folder of shared data with two small collections, and small models, for the tests of `scripts/evaluate_ladder`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.rerank.scorers.small_models import sentences

QUERIES = {f"q{number}": text for number, text in enumerate(sentences(6, seed=1, shortest=2, longest=5))}
DOCUMENTS = {f"d{number}": text for number, text in enumerate(sentences(40, seed=2))}
QRELS = {
    query_id: {f"d{(7 * place + step) % 40}": 1 + step % 2 for step in range(6)}
    for place, query_id in enumerate(QUERIES)
}


def write_collection(
    shared: Path, name: str = "small", extra: dict[str, str] | None = None, split: str = "test"
) -> Path:
    """Write a BEIR folder with QUERIES, DOCUMENTS (and `extra` ones) and QRELS as `split`."""
    folder = shared / "collections" / name
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    documents = {**DOCUMENTS, **(extra or {})}
    write_lines(folder / "corpus.jsonl", [{"_id": key, "title": "", "text": text} for key, text in documents.items()])
    write_lines(folder / "queries.jsonl", [{"_id": key, "text": text} for key, text in QUERIES.items()])
    rows = [f"{query}\t{doc}\t{grade}\n" for query, docs in QRELS.items() for doc, grade in docs.items()]
    (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(rows))
    return folder


def write_lines(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write one JSON object per line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
