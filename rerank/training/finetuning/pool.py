"""The documents of training data as a small corpus: what BM25 finds in it for a query."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from resift.indexer.bm25.build import build_index
from resift.rerank.training.examples import Contrast, Pair
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.types import Document, Query

Found = list[tuple[str, float]]
"""The texts that the first stage found for a query with their scores, best first."""

_TOGETHER = 256  # queries that are searched at once


def search_texts(
    queries: Sequence[str],
    texts: Iterable[str],
    depth: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[Found]:
    """Yield for each query what BM25 finds in the different `texts`, at most `depth`.

    The index is a temporary one. A query that is itself one of the texts does not find itself. `progress` is called
    with the number of queries done.
    """
    documents = (Document(str(number), text) for number, text in enumerate(dict.fromkeys(texts)))
    with tempfile.TemporaryDirectory(prefix="resift-") as folder:
        build_index(documents, Path(folder) / "index")
        retriever = Bm25Retriever.open(Path(folder) / "index")
        for start in range(0, len(queries), _TOGETHER):
            some = [Query(str(number), text) for number, text in enumerate(queries[start : start + _TOGETHER])]
            for ranking in retriever.retrieve(some, depth + 1):
                hits = [(hit.document.text, hit.score) for hit in ranking.hits]
                yield [hit for hit in hits if hit[0] != ranking.query.text][:depth]
            progress(min(start + _TOGETHER, len(queries)))


def add_negatives(
    pairs: Sequence[Pair],
    count: int,
    depth: int,
    seed: int,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Contrast]:
    """Return the pairs with `count` negatives each, drawn from the first `depth` documents that BM25 finds in the data.

    The best ones alone would teach that sharing words with the query is bad: a positive may share fewer than these.
    What is drawn depends on the query's text and `seed` alone. A document that is a positive of the same query is never
    its negative. A pair for which nothing else is found is left out.
    """
    positives: Mapping[str, set[str]] = positives_of(pairs)
    queries = list(positives)
    negatives: dict[str, tuple[str, ...]] = {}
    found = search_texts(queries, (pair.document for pair in pairs), depth, progress)
    for query, hits in zip(queries, found, strict=True):
        others = [text for text, _ in hits if text not in positives[query]]
        draw = random.Random(f"{seed} {query}")  # a string gives the same numbers in every process
        negatives[query] = tuple(draw.sample(others, min(count, len(others))))
    return [Contrast(pair.query, pair.document, negatives[pair.query]) for pair in pairs if negatives[pair.query]]


def positives_of(pairs: Iterable[Pair]) -> dict[str, set[str]]:
    """Return query -> its documents, in the order of the queries."""
    found: dict[str, set[str]] = {}
    for pair in pairs:
        found.setdefault(pair.query, set()).add(pair.document)
    return found
