"""Compare two orders of the same hits without judgements: which queries changed most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from resift.rerank.pipeline import in_batches, rerank
from resift.rerank.reranker import Reranker, Reranking
from resift.retrieval.retriever import Retriever
from resift.retrieval.types import Query, Ranking

PERSISTENCE = 0.9
"""The persistence of rank-biased overlap: the first ten ranks have 86 % of its weight (Webber et al., equation 21)."""


@dataclass(frozen=True, slots=True)
class ChangedQuery:
    """Two orders of one query's hits: their rank-biased overlap, from 0 to 1, and how many of the top are new."""

    before: Ranking
    after: Ranking
    overlap: float
    new: int


@dataclass(slots=True)
class Changes:
    """Counts over compared queries, and the `keep` queries whose orders differ most, the most changed first.

    `top`: how many of the first hits are compared by the counts. `queries`: all, `empty`: those without hits.
    `first_changed`: those with another first hit. `same`: those with the same `top` hits in the same order.
    `new`: how many hits came into the top, of all queries. `overlap`: the sum of all overlaps.
    """

    top: int
    keep: int
    queries: int = 0
    empty: int = 0
    first_changed: int = 0
    same: int = 0
    new: int = 0
    overlap: float = 0.0
    most: list[ChangedQuery] = field(default_factory=list)

    def add(self, before: Ranking, after: Ranking) -> None:
        """Compare two orders of the same hits of one query."""
        first, second = _ids(before), _ids(after)
        top = set(first[: self.top])
        changed = ChangedQuery(
            before,
            after,
            rank_biased_overlap(first, second),
            sum(doc_id not in top for doc_id in second[: self.top]),
        )
        self.queries += 1
        self.empty += not first
        self.first_changed += first[:1] != second[:1]
        self.same += first[: self.top] == second[: self.top]
        self.new += changed.new
        self.overlap += changed.overlap
        if first != second:
            # the sort is stable: of two equal overlaps the earlier query stays first
            self.most = sorted([*self.most, changed], key=lambda one: one.overlap)[: self.keep]


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], persistence: float = PERSISTENCE) -> float:
    """Return how similar two orders are, from 0 to 1, where the first ranks have most weight.

    The extrapolated form for lists of the same length: Webber, Moffat and Zobel (2010), "A similarity measure for
    indefinite rankings", equation 23. Two empty lists are equal. Raises ValueError if the lengths differ.

    >>> rank_biased_overlap(["a", "b"], ["a", "b"]), round(rank_biased_overlap(["a", "b"], ["b", "a"]), 3)
    (1.0, 0.9)
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} ids; expected two orders of the same length")
    if not first:
        return 1.0
    seen_first: set[str] = set()
    seen_second: set[str] = set()
    common, total = 0, 0.0
    for depth, (one, other) in enumerate(zip(first, second, strict=True), start=1):
        seen_first.add(one)
        seen_second.add(other)
        common += (one == other) + (one in seen_second and one != other) + (other in seen_first and one != other)
        total += common / depth * persistence**depth
    return common / len(first) * persistence ** len(first) + (1 - persistence) / persistence * total


def both_orders(
    queries: Sequence[Query],
    retriever: Retriever,
    rerankers: tuple[Reranker | None, Reranker | None],
    depth: int,
) -> Iterator[tuple[Reranking, Reranking]]:
    """Yield each query's candidates, retrieved once, reranked by each of two rerankers; None keeps their order.

    Raises what `Pipeline.search` raises.
    """
    for batch in in_batches(queries):
        rankings = retriever.retrieve(batch, depth)
        yield from zip(rerank(rankings, rerankers[0]), rerank(rankings, rerankers[1]), strict=True)


def _ids(ranking: Ranking) -> list[str]:
    return [hit.document.doc_id for hit in ranking.hits]
