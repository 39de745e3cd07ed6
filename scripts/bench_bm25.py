"""Compare the indexing and query rates of resift, rank-bm25 and bm25s on synthetic documents.

    python -m scripts.bench_bm25 [--documents 100000] [--queries 200] [--depth 100] [--repeat 5]

Every system indexes the same texts with the same analyzer and returns the texts of its best documents. resift's index
is opened from disk. Rates are medians over the repetitions; the systems run in turn, so that other load on the machine
slows all of them.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import rank_bm25

from resift.indexer.bm25.build import build_index
from resift.retrieval.bm25.analysis import analyzer
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.types import Document, Query

WORDS = 60
VOCABULARY = 200_000
STOP_SHARE = 0.35
Search = Callable[[Sequence[str]], object]


def synthetic_texts(count: int, words: int, seed: int = 7) -> list[str]:
    """Return `count` texts of about `words` words: a third stop words, the rest drawn by the Zipf-Mandelbrot law.

    p(rank) is proportional to 1 / (rank + 2.7) over 200,000 invented words, as in Mandelbrot 1953 for English.
    """
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(1.0 / (np.arange(VOCABULARY) + 2.7))
    stop = np.array("the of and to in a is that for it as was with be on not".split(), dtype=object)
    names = np.array([_word(number) for number in range(VOCABULARY)], dtype=object)
    lengths = np.maximum(1, rng.normal(words, words / 5, count).astype(int))
    total = int(lengths.sum())
    drawn = names[np.searchsorted(cumulative, rng.random(total) * cumulative[-1])]
    grammar = rng.random(total) < STOP_SHARE
    drawn[grammar] = stop[rng.integers(0, len(stop), int(grammar.sum()))]
    ends = np.cumsum(lengths)
    return [" ".join(drawn[end - length : end]) for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)]


def _word(number: int) -> str:
    """Return an invented word that no stemmer changes."""
    syllables = []
    while True:
        number, rest = divmod(number, 60)
        syllables.append("bdfghjkmnprt"[rest % 12] + "aiouy"[rest // 12])
        if number == 0:
            return "".join(syllables) + "k"


def synthetic_queries(texts: Sequence[str], count: int, seed: int = 11) -> list[str]:
    """Return `count` queries of 8 to 9 consecutive words of a text (5 to 6 without stop words)."""
    rng = np.random.default_rng(seed)
    queries = []
    for _ in range(count):
        words = texts[int(rng.integers(len(texts)))].split()
        size = int(rng.integers(8, 10))
        start = int(rng.integers(0, max(1, len(words) - size)))
        queries.append(" ".join(words[start : start + size]))
    return queries


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of `action` and the seconds that it took."""
    started = time.perf_counter()
    value = action()
    return value, time.perf_counter() - started


def systems(texts: list[str], depth: int, folder: Path) -> dict[str, tuple[Search, float]]:
    """Index `texts` with every system; return name -> (search function, indexing seconds with analysis)."""
    analyze = analyzer("english")
    documents = [Document(f"d{number}", text) for number, text in enumerate(texts)]
    found: dict[str, tuple[Search, float]] = {}
    _, seconds = timed(lambda: build_index(documents, folder / "index", Bm25Settings()))
    retriever = Bm25Retriever.open(folder / "index")
    found["resift"] = (lambda q: retriever.retrieve([Query(str(n), t) for n, t in enumerate(q)], depth), seconds)
    okapi, seconds = timed(lambda: rank_bm25.BM25Okapi([analyze(text) for text in texts], k1=1.2, b=0.75))
    found["rank-bm25"] = (lambda q: [okapi.get_top_n(analyze(text), texts, depth) for text in q], seconds)
    backends = ["numpy"] + ["numba"] * (importlib.util.find_spec("numba") is not None)
    for backend in backends:
        index = bm25s.BM25(method="lucene", k1=1.2, b=0.75, backend=backend)
        _, seconds = timed(partial(index_with_bm25s, index, analyze, texts))
        found[f"bm25s {backend}"] = (bm25s_search(index, analyze, texts, depth), seconds)
    return found


def index_with_bm25s(index: Any, analyze: Callable[[str], list[str]], texts: list[str]) -> None:  # noqa: ANN401
    """Analyze and index `texts`."""
    index.index([analyze(text) for text in texts], show_progress=False)


def bm25s_search(index: Any, analyze: Callable[[str], list[str]], texts: list[str], depth: int) -> Search:  # noqa: ANN401
    """Return a function that searches a bm25s index and returns texts."""
    corpus = np.array(texts, dtype=object)

    def search(queries: Sequence[str]) -> object:
        tokens = [analyze(text) for text in queries]
        return index.retrieve(tokens, corpus=corpus, k=depth, show_progress=False)

    return search


def main() -> None:
    """Run the comparison and print one row per system."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (
        ("documents", 100_000),
        ("queries", 200),
        ("slow-queries", 20),
        ("depth", 100),
        ("repeat", 5),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    texts = synthetic_texts(given.documents, WORDS)
    queries = synthetic_queries(texts, given.queries)
    terms = statistics.mean(len(analyzer("english")(query)) for query in queries)
    print(f"{given.documents:,} documents of about {WORDS} words, queries of {terms:.1f} terms, depth {given.depth}")
    with tempfile.TemporaryDirectory() as folder:
        found = systems(texts, given.depth, Path(folder))
        rates: dict[str, list[float]] = {name: [] for name in found}
        for search, _ in found.values():
            search(queries[:3])
        for _ in range(given.repeat):
            for name, (search, _) in found.items():
                asked = queries[: given.slow_queries] if name == "rank-bm25" else queries
                _, seconds = timed(partial(search, asked))
                rates[name].append(len(asked) / seconds)
    base = statistics.median(rates["rank-bm25"])
    print(f"{'system':14}{'documents/s':>12}{'queries/s':>12}{'min':>9}{'max':>9}{'times rank-bm25':>17}")
    for name, (_, seconds) in found.items():
        middle = statistics.median(rates[name])
        spread = f"{min(rates[name]):9,.0f}{max(rates[name]):9,.0f}"
        print(f"{name:14}{given.documents / seconds:12,.0f}{middle:12,.1f}{spread}{middle / base:17.1f}")


if __name__ == "__main__":
    main()
