"""Index a million synthetic documents in a child process; print the rate, peak memory, index size and query times.

    python -m scripts.bench_scale [--documents 1000000] [--queries 200] [--depth 100] [--folder FOLDER]

Needs about 4 GB of disk. The child process runs `resift index`; with --library it reads the lines itself and calls
`build_index`.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.types import Query
from scripts.bench_bm25 import WORDS, synthetic_queries, synthetic_texts, timed

BLOCK = 100_000


def write_corpus(path: Path, documents: int) -> list[str]:
    """Write `documents` synthetic documents as JSON lines; return the texts of the first block."""
    first: list[str] = []
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, documents, BLOCK):
            texts = synthetic_texts(min(BLOCK, documents - start), WORDS, seed=start + 7)
            first = first or texts
            for number, text in enumerate(texts, start):
                file.write(json.dumps({"_id": f"d{number}", "title": "", "text": text}) + "\n")
    return first


CLI = "import sys; from resift.rerank.cli.main import main; sys.exit(main())"
LIBRARY = """
import json, sys
from pathlib import Path
from resift.indexer.bm25.build import build_index
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.types import Document
entries = map(json.loads, open(sys.argv[2], encoding="utf-8"))
documents = (Document(entry["_id"], entry["text"], entry["title"]) for entry in entries)
print(build_index(documents, Path(sys.argv[4].removeprefix("bm25:")), Bm25Settings(), overwrite=True))
"""


def index_in_child(corpus: Path, index: Path, program: str) -> tuple[float, float]:
    """Run `program` with the arguments of `resift index` in a child process; return its seconds and peak bytes."""
    command = [sys.executable, "-c", program, "index", str(corpus), "--to", f"bm25:{index}", "--overwrite"]
    _, seconds = timed(lambda: subprocess.run(command, check=True))
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def query_times(retriever: Bm25Retriever, queries: list[str], depth: int) -> list[float]:
    """Return the milliseconds of each query, sorted; each runs alone, after a first pass that warms the page cache."""
    asked = [[Query(str(number), text)] for number, text in enumerate(queries)]
    for one in asked:
        retriever.retrieve(one, depth)
    times = []
    for one in asked:
        started = time.perf_counter()
        retriever.retrieve(one, depth)
        times.append(1000 * (time.perf_counter() - started))
    return sorted(times)


def main() -> None:
    """Write the corpus, index and search it, and print one figure per line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("documents", 1_000_000), ("queries", 200), ("depth", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder", type=Path, help="folder for the corpus and the index; default: a temporary folder")
    parser.add_argument("--library", action="store_true", help="call build_index instead of the command line")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        corpus, index = folder / "corpus.jsonl", folder / "index"
        first = write_corpus(corpus, given.documents)
        seconds, peak = index_in_child(corpus, index, LIBRARY if given.library else CLI)
        size = sum(file.stat().st_size for file in index.iterdir())
        opening = [timed(lambda: Bm25Retriever.open(index))[1] * 1000 for _ in range(5)]
        times = query_times(Bm25Retriever.open(index), synthetic_queries(first, given.queries), given.depth)
    print(f"documents        {given.documents:,} of about {WORDS} words, {corpus.name}")
    print(f"indexing         {seconds:.1f} s, {given.documents / seconds:,.0f} documents/s")
    print(f"peak memory      {peak / 1e9:.2f} GB")
    print(f"index            {size / 1e6:,.0f} MB, {size / given.documents:.0f} bytes a document")
    print(f"opening          {statistics.median(opening):.1f} ms")
    p95 = times[int(0.95 * len(times))]
    print(f"warm query       median {statistics.median(times):.2f} ms, p95 {p95:.2f} ms, max {times[-1]:.2f} ms")


if __name__ == "__main__":
    main()
