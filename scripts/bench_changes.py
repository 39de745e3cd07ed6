"""Measure changes of a large embedded index: additions, deletions, and searches between them.

python -m scripts.bench_changes [--documents 200000] [--changes 1000] [--rounds 12]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from resift.indexer.bm25.build import build_index
from resift.indexer.bm25.update import add_documents, delete_documents
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.types import Document, Query

VOCABULARY = 50_000


def words(chosen: random.Random, count: int) -> str:
    """Return random words, some of them much more frequent than others."""
    return " ".join(f"w{int(chosen.paretovariate(0.6)) % VOCABULARY}" for _ in range(count))


def documents(chosen: random.Random, numbers: range | list[int]) -> Iterator[Document]:
    """Yield a random document for each number."""
    for number in numbers:
        yield Document(f"d{number:07}", words(chosen, 60))


def search_time(path: Path) -> tuple[float, float]:
    """Return the seconds to open the index, and per query, of 50 queries that were not asked before."""
    chosen = random.Random(2)
    queries = [Query(str(number), words(chosen, 5)) for number in range(50)]
    started = time.perf_counter()
    retriever = Bm25Retriever.open(path)
    opened = time.perf_counter()
    retriever.retrieve(queries, 100)
    return opened - started, (time.perf_counter() - opened) / len(queries)


def main() -> None:
    """Print one line for each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=12)
    given = parser.parse_args()
    chosen = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        built = build_index(documents(chosen, range(given.documents)), path)
        print(f"built: {built.documents:,} documents, {built.seconds:.1f} s")
        for round_number in range(given.rounds):
            numbers = chosen.sample(range(given.documents * 2), given.changes)
            added = add_documents(path, documents(chosen, numbers))
            gone = delete_documents(path, [f"d{number:07}" for number in chosen.sample(range(given.documents), 100)])
            opened, query = search_time(path)
            print(
                f"{round_number + 1}: {added.created} added and {added.updated} replaced in {added.seconds:.2f} s, "
                f"{gone.deleted} deleted in {gone.seconds:.2f} s; opened in {opened * 1e3:.0f} ms, "
                f"{query * 1e3:.1f} ms a query",
                flush=True,
            )


if __name__ == "__main__":
    main()
