"""Search in two stages: retrieve the candidates of queries, then rerank them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resift.rerank.reranker import Reranker, Reranking
from resift.retrieval.errors import SettingsError
from resift.retrieval.retriever import Retriever
from resift.retrieval.types import Query, Ranking

QUERIES_PER_BATCH = 16
"""Queries that are searched together: enough to fill the model's batches, few enough to show progress."""


class Pipeline:
    """The first stage and the reranker; without a reranker, results keep the order of the first stage."""

    def __init__(self, retriever: Retriever, reranker: Reranker | None) -> None:
        """Use `retriever` as the first stage and `reranker` as the second; None means the first stage only.

        Raises SettingsError if one of them is something else.
        """
        if not callable(getattr(retriever, "retrieve", None)):
            raise SettingsError(f"{retriever!r} is not a retriever; expected open_retriever('bm25:PATH')", "retriever")
        if reranker is not None and not callable(getattr(reranker, "rerank", None)):
            raise SettingsError(f"{reranker!r} is not a reranker; expected Reranker(load_scorer(...))", "reranker")
        self.retriever = retriever
        self.reranker = reranker

    def search(self, queries: Sequence[Query], depth: int = 100) -> list[Reranking]:
        """Return one reranking per query of `queries`, in the given order, with at most `depth` candidates each.

        Raises EngineError if the index cannot be read, ModelError if the model cannot score the candidates, and
        SettingsError if `queries` is not a list of queries or `depth` is below 1.
        """
        _check(queries)
        return rerank(self.retriever.retrieve(queries, depth), self.reranker)

    def stream(self, queries: Sequence[Query], depth: int = 100) -> Iterator[Reranking]:
        """Yield what `search` returns for `queries` and `depth`, with one batch of queries in memory at a time.

        Raises what `search` raises.
        """
        _check(queries)
        for batch in in_batches(queries):
            yield from rerank(self.retriever.retrieve(batch, depth), self.reranker)


def _check(queries: object) -> None:
    """Raise SettingsError if `queries` is not a list or tuple of queries."""
    if not isinstance(queries, Sequence) or isinstance(queries, str | bytes):
        raise SettingsError(f"expected a list of Query(query_id, text), not {type(queries).__name__}", "queries")
    for query in queries:
        if not isinstance(query, Query):
            raise SettingsError(f"{query!r} is not a query; expected Query(query_id, text)", "queries")


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
