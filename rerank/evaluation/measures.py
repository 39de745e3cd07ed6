"""Measure a run: ndcg@10, mrr@10, map and recall@100 by ir_measures, with ties in resift's order.

ir_measures computes each measure with one of several libraries. In version 0.4.3, pytrec_eval computes nDCG@10, AP
and R@100; it rounds scores to float32 and breaks ties by doc_id descending. The MS MARCO script computes RR@10, and
breaks ties by doc_id ascending. So that all measures use the same order, `per_query` first sorts each ranking by
resift's ordering rule, and then passes positions (whole numbers, exact in float32) instead of scores.
"""

from __future__ import annotations

import math

import ir_measures

from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Qrels, Ranking, Run, from_run

MEASURES = {
    "ndcg@10": ir_measures.nDCG @ 10,
    "mrr@10": ir_measures.RR @ 10,
    "map": ir_measures.AP(rel=1),
    "recall@100": ir_measures.R @ 100,
}
"""The measures by name, in the order of the report.

ndcg@10: Järvelin and Kekäläinen (2002), the gain is the grade itself (linear), the discount log2(rank + 1).
mrr@10: 1 / rank of the first relevant document, 0 if it is not among the first 10.
map: average precision over all documents of the run; for a run of depth 100 it is AP@100.
recall@100: the share of the relevant documents that are among the first 100.
Relevant means grade 1 or more; a negative grade counts as 0.
"""

Values = dict[str, dict[str, float]]
"""query_id -> name of the measure -> value from 0 to 1."""


def per_query(qrels: Qrels, run: Run) -> Values:
    """Return every measure of every judged query, in the order of `qrels`.

    As with trec_eval -c, all measures are 0 for a judged query that is missing from the run, and for a query without a
    relevant judgement. Queries of the run that are not judged are left out.
    Raises ValueError on a score that is NaN.

    >>> per_query({"q": {"d": 1}}, {"q": {"c": 2.0, "d": 1.0}})["q"]["mrr@10"]
    0.5
    """
    grades = {query_id: {doc_id: max(0, grade) for doc_id, grade in docs.items()} for query_id, docs in qrels.items()}
    judged = {query_id: run[query_id] for query_id in qrels if run.get(query_id)}
    positions = {ranking.query.query_id: _positions(ranking) for ranking in from_run(judged)}
    values = {query_id: dict.fromkeys(MEASURES, 0.0) for query_id in qrels}
    names = {measure: name for name, measure in MEASURES.items()}
    for metric in ir_measures.iter_calc(list(MEASURES.values()), grades, positions):
        values[metric.query_id][names[metric.measure]] = float(metric.value)
    return values


def mean(values: Values) -> dict[str, float]:
    """Return the mean of each measure over all queries of `values`. Raises CorpusError if there are none."""
    if not values:
        raise CorpusError("no query is judged; expected judgements for at least one query")
    names = next(iter(values.values()))
    return {name: math.fsum(row[name] for row in values.values()) / len(values) for name in names}


def ceiling(qrels: Qrels, run: Run) -> dict[str, float]:
    """Return what a perfect reranker of `run` would reach: the mean of each measure with the best grades first.

    If `run` has at most 100 documents per query, "recall@100" is the candidate recall, which reranking cannot change.
    """
    ideal = {
        query_id: {doc_id: float(qrels[query_id].get(doc_id, 0)) for doc_id in scores}
        for query_id, scores in run.items()
        if query_id in qrels
    }
    return mean(per_query(qrels, ideal))


def _positions(ranking: Ranking) -> dict[str, float]:
    """Return scores with the order of `ranking` and without ties: n for the first of n documents, 1 for the last."""
    count = len(ranking.hits)
    return {hit.document.doc_id: float(count - position) for position, hit in enumerate(ranking.hits)}
