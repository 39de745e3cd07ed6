"""What the second stage is given in an experiment: the first stage's best documents, without the query itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from resift.retrieval.types import Query, Ranking


class FirstStage(Protocol):
    """What of `resift.retrieval.retriever.Retriever` an experiment asks."""

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Return the best `depth` documents of each query."""
        ...


@dataclass(frozen=True, slots=True)
class Candidates:
    """A first stage at one depth, without each query's own document unless `drop_query_document` is off.

    `timed`: are its seconds a first stage's? Those of a run that only is looked up are not.
    """

    retriever: FirstStage
    depth: int = 100
    drop_query_document: bool = True
    timed: bool = True

    def retrieve(self, queries: Sequence[Query]) -> list[Ranking]:
        """Return for each query at most `depth` candidates; one more is asked for, in case one is dropped."""
        if not self.drop_query_document:
            return self.retriever.retrieve(queries, self.depth)
        rankings = self.retriever.retrieve(queries, self.depth + 1)
        return [without_query_document(ranking).top(self.depth) for ranking in rankings]


def without_query_document(ranking: Ranking) -> Ranking:
    """Return `ranking` without the document that is the query itself: same id and, blanks aside, same text.

    ArguAna's rule: its queries are arguments of its own corpus, and a counter-argument is asked for. BEIR drops
    every document whose id equals the query's (`ignore_identical_ids` in its evaluation.py); but Cranfield, NPL,
    MED and Time number queries and documents alike, so that there the id alone would drop a document that has
    nothing to do with the query. Apply it before cutting to depth.
    """
    hits = tuple(hit for hit in ranking.hits if not _is_query(hit.document.doc_id, hit.document.text, ranking.query))
    return Ranking(ranking.query, hits)


def _is_query(doc_id: str, text: str, query: Query) -> bool:
    return doc_id == query.query_id and text.split() == query.text.split()
