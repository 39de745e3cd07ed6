"""Counts over many queries what was found, and what the model could not read: to its end, or at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from resift.rerank.reranker import Reranking


@dataclass(slots=True)
class Counts:
    """Counts over reranked queries.

    `hits`: documents found. `empty`: queries that found none. `scored`: documents that the model scored.
    `truncated`: those of them whose end it did not read. `queries_cut`: queries that were cut themselves.
    `lacking`: those of them without a field that the template names, by field.
    """

    queries: int = 0
    hits: int = 0
    empty: int = 0
    scored: int = 0
    truncated: int = 0
    queries_cut: int = 0
    lacking: Counter[str] = field(default_factory=Counter)

    @property
    def absent(self) -> list[str]:
        """The fields that the template names and not one scored document has: their names may be misspelt."""
        return [name for name, count in self.lacking.items() if count == self.scored]

    def add(self, results: Iterable[Reranking]) -> None:
        """Count `results`, one a query."""
        for result in results:
            self.queries += 1
            self.hits += len(result.ranking.hits)
            self.empty += not result.ranking.hits
            self.scored += len(result.logits)
            self.truncated += result.truncated
            self.queries_cut += result.query_truncated
            self.lacking.update(result.lacking)
