"""The two stages as one: queries in, reranked rankings out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resift.rerank.reranker import Reranker, Reranking
from resift.retrieval.errors import SettingsError
from resift.retrieval.retriever import Retriever
from resift.retrieval.settings import setting
from resift.retrieval.types import Query

QUERIES_A_BATCH = 16
"""How many queries are searched together: enough to fill batches, few enough that progress is seen."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How much the first stage brings."""

    depth: int = setting(100, "How many candidates the first stage returns.")

    def __post_init__(self) -> None:
        """Refuse a depth that returns nothing."""
        if self.depth < 1:
            raise SettingsError(f"{self.depth} is below 1", "depth")


class Pipeline:
    """First stage, then reranker; without a reranker the first stage's order stands."""

    def __init__(self, retriever: Retriever, reranker: Reranker | None) -> None:
        """Join a first stage and a second one (None: the first stage alone)."""
        self.retriever = retriever
        self.reranker = reranker

    def search(self, queries: Sequence[Query], depth: int = 100) -> list[Reranking]:
        """Return one reranking a query, in the given order. Raises EngineError and ModelError."""
        rankings = self.retriever.retrieve(queries, depth)
        if self.reranker is None:
            return [Reranking(ranking, ranking, {}) for ranking in rankings]
        return self.reranker.rerank(rankings)

    def stream(self, queries: Sequence[Query], depth: int = 100) -> Iterator[Reranking]:
        """Yield what `search` returns, a batch of queries in memory at a time."""
        for batch in in_batches(queries):
            yield from self.search(batch, depth)


def in_batches(queries: Sequence[Query]) -> Iterator[Sequence[Query]]:
    """Yield `queries` in order, `QUERIES_A_BATCH` at a time."""
    for start in range(0, len(queries), QUERIES_A_BATCH):
        yield queries[start : start + QUERIES_A_BATCH]
