"""Both stages' scores of judged queries: what a fusion is fitted on, without the texts and without the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resift.rerank.fusion import standardize, weights_by
from resift.rerank.reranker import Reranking

CUTOFF = 10
"""The cutoff of the nDCG by which a fusion is chosen."""

_DIGITS = 11  # of a fused score; what differs less is a rounding error, as in `resift.rerank.fusion`
_DISCOUNT = 1.0 / np.log2(np.arange(2, CUTOFF + 2))  # (CUTOFF,)


@dataclass(frozen=True, slots=True, eq=False)
class QueryScores:
    """The n candidates of one judged query that the model scored, in any order.

    `first_stage`: float64 (n,). `logits`: float32 (n,). `read`: float64 (n,), the share of each text that the model
    read. `gains`: float64 (n,), the grade of each, 0 if it is not relevant. `ids`: the doc_id of each, by which equal
    scores are ordered.
    `above`, `below`: the gains of the candidates that keep their places above and below the scored ones, in order.
    `ideal`: the DCG of the best order of all judged documents, found or not, above 0.
    """

    query_id: str
    first_stage: NDArray[np.float64]
    logits: NDArray[np.float32]
    read: NDArray[np.float64]
    gains: NDArray[np.float64]
    ids: tuple[str, ...]
    ideal: float
    above: tuple[float, ...] = ()
    below: tuple[float, ...] = ()

    def ndcg(self, kind: str, weights: Sequence[float]) -> NDArray[np.float64]:
        """Return nDCG@10 of the order that a fusion of this kind gives, float64 (len(weights),): one for each weight.

        The orders are those of `resift.rerank.reranker.Reranker`.
        Source: Järvelin and Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques", with linear gains
        as in trec_eval and ir_measures.
        """
        by_logit, by_first_stage = standardize(self.logits), standardize(self.first_stage)
        id_ranks = np.argsort(np.argsort(np.array(self.ids, dtype=object)))  # (n,), the rank of each id
        found = np.empty(len(weights))
        for place, weight in enumerate(weights):
            share = weights_by(kind, weight, self.read)
            fused = np.round(share * by_logit + (1.0 - share) * by_first_stage, _DIGITS)
            order = np.lexsort((id_ranks, self.logits, fused))[::-1]
            gains = [*self.above, *self.gains[order[:CUTOFF]], *self.below][:CUTOFF]
            found[place] = float(np.dot(gains, _DISCOUNT[: len(gains)])) / self.ideal
        return found


@dataclass(frozen=True, slots=True, eq=False)
class SetScores:
    """The scores of the queries of one judged set."""

    name: str
    queries: tuple[QueryScores, ...]

    def ndcg(self, kind: str, weights: Sequence[float]) -> NDArray[np.float64]:
        """Return nDCG@10, float64 (queries, len(weights))."""
        return np.array([query.ndcg(kind, weights) for query in self.queries]).reshape(len(self.queries), len(weights))

    @property
    def truncated(self) -> float:
        """The share of all scored texts that the model did not read to the end."""
        cut = [query.read < 1.0 for query in self.queries]
        return float(np.concatenate(cut).mean()) if cut else 0.0


def query_scores(result: Reranking, grades: Mapping[str, int]) -> QueryScores | None:
    """Return the scores of one reranked query, None if no judged document is relevant, so that nothing is measured.

    `grades` are the judgements of the query: doc_id -> grade.
    """
    best = sorted((float(grade) for grade in grades.values() if grade > 0), reverse=True)[:CUTOFF]
    if not best:
        return None
    scores = {hit.document.doc_id: hit.score for hit in result.first_stage.hits}
    ids = tuple(result.logits)

    def gain(doc_id: str) -> float:
        return float(max(0, grades.get(doc_id, 0)))

    others = [hit.document.doc_id for hit in result.ranking.hits if hit.document.doc_id not in result.logits]
    return QueryScores(
        query_id=result.ranking.query.query_id,
        first_stage=np.array([scores[doc_id] for doc_id in ids], dtype=np.float64),
        logits=np.array([result.logits[doc_id] for doc_id in ids], dtype=np.float32),
        read=np.array([result.read.get(doc_id, 1.0) for doc_id in ids], dtype=np.float64),
        gains=np.array([gain(doc_id) for doc_id in ids], dtype=np.float64),
        ids=ids,
        ideal=float(np.dot(best, _DISCOUNT[: len(best)])),
        above=tuple(gain(doc_id) for doc_id in others[: result.promoted]),
        below=tuple(gain(doc_id) for doc_id in others[result.promoted :]),
    )
