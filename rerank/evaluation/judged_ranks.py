"""Which queries reranking helped and hurt most, with the old and new ranks of their judged documents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from resift.rerank.evaluation.experiment import SetResult
from resift.rerank.evaluation.significance import SAME
from resift.retrieval.types import Run, from_run

HEADLINE = "ndcg@10"
"""The measure by which queries count as helped or hurt."""


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """A judged document of a query, with its rank before and after reranking, from 1; None where it was not found."""

    doc_id: str
    name: str
    grade: int
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query, its nDCG@10 before and after reranking, and its judged documents: highest grade first, then by rank."""

    query_id: str
    text: str
    before: float
    after: float
    documents: tuple[JudgedDocument, ...]


def hurt(one: SetResult, count: int) -> list[JudgedQuery]:
    """Return at most `count` queries that are worse after reranking, the largest loss first."""
    return [_query(one, query_id) for query_id, change in _changes(one) if change < -SAME][:count]


def helped(one: SetResult, count: int) -> list[JudgedQuery]:
    """Return at most `count` queries that are better after reranking, the largest gain first."""
    gains = sorted(_changes(one), key=lambda pair: -pair[1])  # stable: equal gains keep the order of the losses
    return [_query(one, query_id) for query_id, change in gains if change > SAME][:count]


def _changes(one: SetResult) -> list[tuple[str, float]]:
    """Return the difference of each judged query, the largest loss first, then in the order of the judgements."""
    pairs = ((key, one.reranked[key][HEADLINE] - row[HEADLINE]) for key, row in one.first_stage.items())
    return sorted(pairs, key=lambda pair: pair[1])


def _query(one: SetResult, query_id: str) -> JudgedQuery:
    before, after = (_ranks(run, query_id) for run in one.runs)
    documents = [
        JudgedDocument(doc_id, one.labels.documents.get(doc_id, ""), grade, before.get(doc_id), after.get(doc_id))
        for doc_id, grade in one.labels.qrels.get(query_id, {}).items()
    ]
    return JudgedQuery(
        query_id,
        one.labels.queries.get(query_id, ""),
        one.first_stage[query_id][HEADLINE],
        one.reranked[query_id][HEADLINE],
        tuple(sorted(documents, key=_place)),
    )


def _ranks(run: Run, query_id: str) -> Mapping[str, int]:
    rankings = from_run({query_id: run[query_id]} if query_id in run else {})
    return {hit.document.doc_id: rank for ranking in rankings for rank, hit in enumerate(ranking.hits, start=1)}


def _place(document: JudgedDocument) -> tuple[int, float, str]:
    ranks = [rank for rank in (document.before, document.after) if rank is not None]
    return -document.grade, min(ranks, default=math.inf), document.doc_id


def moves(query: JudgedQuery, most: int) -> Iterator[str]:
    """Yield a line for each of the first `most` judged documents of `query`, and one for how many are left out.

    >>> soup = JudgedDocument("d1", "Soup", 2, 12, 3)
    >>> list(moves(JudgedQuery("q", "soup", 0.2, 0.5, (soup,)), 5))
    ['12 -> 3, grade 2: d1 Soup']
    """
    for document in query.documents[:most]:
        places = [str(rank) if rank is not None else "not found" for rank in (document.before, document.after)]
        change = places[0] if document.before is document.after is None else " -> ".join(places)
        yield f"{change}, grade {document.grade}: {document.doc_id} {document.name}".rstrip()
    if len(query.documents) > most:
        yield f"and {len(query.documents) - most:,} more judged"
