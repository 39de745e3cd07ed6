"""Counts over many queries what was found, and what the model could not read to its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rerank.reranker import Reranking


@dataclass(slots=True)
class Cuts:
    """Counts over reranked queries.

    `hits`: documents found. `empty`: queries that found none. `scored`: documents that the model scored.
    `truncated`: those of them whose end it did not read. `queries_cut`: queries that were cut themselves.
    """

    queries: int = 0
    hits: int = 0
    empty: int = 0
    scored: int = 0
    truncated: int = 0
    queries_cut: int = 0

    def add(self, results: Iterable[Reranking]) -> None:
        """Count `results`, one a query."""
        for result in results:
            self.queries += 1
            self.hits += len(result.ranking.hits)
            self.empty += not result.ranking.hits
            self.scored += len(result.logits)
            self.truncated += result.truncated
            self.queries_cut += result.query_truncated
