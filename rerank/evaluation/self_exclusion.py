"""Exclude from the first stage's candidates the document that is the query itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from resift.retrieval.types import Query, Ranking


class FirstStage(Protocol):
    """The part of `resift.retrieval.retriever.Retriever` that an experiment uses."""

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Return the best `depth` documents of each query."""
        ...


@dataclass(frozen=True, slots=True)
class SelfExcludingFirstStage:
    """A first stage at one depth, without each query's own document.

    `timed`: whether its seconds are reported; those of a run that was read from a file are not search time.
    """

    retriever: FirstStage
    depth: int
    timed: bool = True

    def retrieve(self, queries: Sequence[Query]) -> list[Ranking]:
        """Return at most `depth` candidates for each query; one more is retrieved, in case one is dropped."""
        rankings = self.retriever.retrieve(queries, self.depth + 1)
        return [without_query_document(ranking).top(self.depth) for ranking in rankings]


def without_query_document(ranking: Ranking) -> Ranking:
    """Return `ranking` without the document that is the query itself: same id, and same text except for white space.

    ArguAna needs this: its queries are arguments from its own corpus, and the task is to find a counter-argument. BEIR
    drops every document whose id equals the query's (`ignore_identical_ids` in its evaluation.py). But Cranfield, NPL,
    MED and Time use the same numbers as ids of queries and of documents, so that equal ids alone would drop a document
    that is not related to the query. Apply it before the ranking is cut to the depth.
    """
    hits = tuple(hit for hit in ranking.hits if not _is_query(hit.document.doc_id, hit.document.text, ranking.query))
    return Ranking(ranking.query, hits)


def _is_query(doc_id: str, text: str, query: Query) -> bool:
    return doc_id == query.query_id and text.split() == query.text.split()
