"""Search in two stages: retrieve the candidates of queries, then rerank them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resift.rerank.reranker import Reranker, Reranking
from resift.retrieval.retriever import Retriever
from resift.retrieval.types import Query, Ranking

QUERIES_PER_BATCH = 16
"""Queries that are searched together: enough to fill the model's batches, few enough to show progress."""


class Pipeline:
    """The first stage and the reranker; without a reranker, results keep the order of the first stage."""

    def __init__(self, retriever: Retriever, reranker: Reranker | None) -> None:
        """Use `retriever` as the first stage and `reranker` as the second; None means the first stage only."""
        self.retriever = retriever
        self.reranker = reranker

    def search(self, queries: Sequence[Query], depth: int = 100) -> list[Reranking]:
        """Return one reranking per query of `queries`, in the given order, with at most `depth` candidates each.

        Raises EngineError if the index cannot be read, and ModelError if the model cannot score the candidates.
        """
        return rerank(self.retriever.retrieve(queries, depth), self.reranker)

    def stream(self, queries: Sequence[Query], depth: int = 100) -> Iterator[Reranking]:
        """Yield what `search` returns for `queries` and `depth`, with one batch of queries in memory at a time.

        Raises what `search` raises.
        """
        for batch in in_batches(queries):
            yield from self.search(batch, depth)


def rerank(rankings: Sequence[Ranking], reranker: Reranker | None) -> list[Reranking]:
    """Return one reranking per ranking of `rankings`, in the given order; unchanged if `reranker` is None.

    Raises ModelError if the model cannot score the candidates.
    """
    if reranker is None:
        return [Reranking.unchanged(ranking) for ranking in rankings]
    return reranker.rerank(rankings)


def in_batches(queries: Sequence[Query]) -> Iterator[Sequence[Query]]:
    """Yield `queries` in order, `QUERIES_PER_BATCH` at a time."""
    for start in range(0, len(queries), QUERIES_PER_BATCH):
        yield queries[start : start + QUERIES_PER_BATCH]
