"""The data types that every part shares: Document, Query, Hit and Ranking, with the ordering rule of hits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Run = dict[str, dict[str, float]]
"""query_id -> doc_id -> score: the form that ir_measures, ranx and pytrec_eval take."""

Qrels = dict[str, dict[str, int]]
"""query_id -> doc_id -> relevance (an integer grade; 0 and below mean not relevant)."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text of a corpus.

    `fields` holds the other data of the corpus about it; `title` and `text` are not repeated there.
    """

    doc_id: str
    text: str
    title: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """One query, as the user typed it."""

    query_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A document with its score from one stage (higher is better, no unit)."""

    document: Document
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """The hits of one query in order; a hit's rank is its position + 1. Build it with `Ranking.of`."""

    query: Query
    hits: tuple[Hit, ...]

    @classmethod
    def of(cls, query: Query, hits: Iterable[Hit]) -> Ranking:
        """Order `hits` by the ordering rule: score descending, then doc_id descending, as trec_eval does.

        Raises ValueError if a score is NaN or if a document is given twice.

        >>> a, b = (Hit(Document(i, "text"), 1.0) for i in "ab")
        >>> [hit.document.doc_id for hit in Ranking.of(Query("q", "x"), [a, b]).hits]
        ['b', 'a']
        """
        ordered = sorted(hits, key=lambda hit: (hit.score, hit.document.doc_id), reverse=True)
        if any(math.isnan(hit.score) for hit in ordered):
            raise ValueError(f"query {query.query_id!r}: a score is NaN; expected numbers")
        if len({hit.document.doc_id for hit in ordered}) < len(ordered):
            raise ValueError(f"query {query.query_id!r}: a document is in the ranking twice; expected it once")
        return cls(query, tuple(ordered))

    def top(self, count: int) -> Ranking:
        """Return the first `count` hits."""
        return Ranking(self.query, self.hits[:count])

    def without_texts(self) -> Ranking:
        """Return the same ranking with documents reduced to their ids, which saves memory."""
        return Ranking(self.query, tuple(Hit(Document(hit.document.doc_id, ""), hit.score) for hit in self.hits))


def to_run(rankings: Iterable[Ranking]) -> Run:
    """Return `rankings` as a run; a query without hits keeps an empty entry."""
    return {ranking.query.query_id: {hit.document.doc_id: hit.score for hit in ranking.hits} for ranking in rankings}


def from_run(
    run: Mapping[str, Mapping[str, float]],
    queries: Iterable[Query] | None = None,
    documents: Mapping[str, Document] | None = None,
) -> list[Ranking]:
    """Return the rankings of `run`, hits in the order of `Ranking.of`: one for each of `queries`, empty if it has none.

    Without `queries`, there is one for each query of the run, with an empty text. `documents` are the documents by
    doc_id; one that is not there has empty texts. Raises ValueError if a score is NaN.

    >>> [hit.document.doc_id for hit in from_run({"q": {"a": 1.0, "b": 1.0, "c": 2.0}})[0].hits]
    ['c', 'b', 'a']
    """
    known = documents or {}

    def hits(query_id: str) -> Iterator[Hit]:
        for doc_id, score in run.get(query_id, {}).items():
            yield Hit(known.get(doc_id, Document(doc_id, "")), score)

    wanted = [Query(query_id, "") for query_id in run] if queries is None else queries
    return [Ranking.of(query, hits(query.query_id)) for query in wanted]
