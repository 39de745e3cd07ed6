"""Candidates from outside, documents with scores, as a ranking, and reranked ones back as positions in the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resift.rerank.explanation import ExplainedHit, Explanation, Unscored, explain, with_details
from resift.rerank.reranker import Reranking
from resift.retrieval.types import Document, Hit, Query, Ranking

_LARGEST = 10**9  # candidates in one list, at most


@dataclass(frozen=True, slots=True)
class Candidate:
    """One document to rerank; `score` is the first stage's, None if it is missing.

    The document's id is ignored, since ids from outside may be missing or repeated.
    """

    document: Document
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Reranked:
    """One candidate after reranking.

    `position`: where it is in the list of candidates, from 0. `score`: what decided the order. `logit`, `probability`,
    `fused` and `unscored` are those of `resift.rerank.explanation.ExplainedHit`.
    """

    position: int
    score: float
    logit: float | None
    probability: float | None = None
    fused: float | None = None
    unscored: Unscored | None = None


def to_ranking(query: Query, candidates: Sequence[Candidate]) -> Ranking:
    """Return `candidates`, best first as the first stage gave them, as a ranking.

    Candidates of equal score keep their given order. If none has a score, the given order itself is the first
    stage's: the scores fall by 1 per position. Each document's id becomes its position, encoded, which
    `from_reranking` decodes. Raises ValueError on a NaN, and if only some have a score.
    """
    missing = sum(candidate.score is None for candidate in candidates)
    if 0 < missing < len(candidates):
        raise ValueError(f"{missing} of {len(candidates)} documents have no score; give one to all or to none")
    return Ranking.of(query, [_hit(position, candidate) for position, candidate in enumerate(candidates)])


def from_reranking(result: Reranking) -> list[Reranked]:
    """Return the candidates of a reranked ranking of `to_ranking`, best first.

    >>> candidates = [Candidate(Document("", "a"), score=1.0), Candidate(Document("", "b"), score=2.0)]
    >>> ranking = to_ranking(Query("q", "soup"), candidates)
    >>> [one.position for one in from_reranking(Reranking(ranking, ranking, logits={}))]
    [1, 0]
    """
    return [
        Reranked(_LARGEST - int(hit.doc_id), hit.score, hit.logit, hit.probability, hit.fused, hit.unscored)
        for hit in explain(result, len(result.ranking.hits))
    ]


def explain_candidates(
    result: Reranking,
    ids: Sequence[str],
    shown: Sequence[int],
    first: int = 1,
    *,
    scored: bool = True,
    late: int = 0,
) -> Explanation:
    """Return the explanation of the candidates at the positions `shown`, from 0, in the order in which they are shown.

    `ids`: the id of each candidate, by position. `first`: the rank of the first that is shown. `scored`: whether the
    first stage gave scores. `late`: how many of the first candidates were to be scored, if not all were in time.
    """
    hits = {_LARGEST - int(hit.doc_id): hit for hit in explain(result, len(result.ranking.hits))}
    documents = {_LARGEST - int(hit.document.doc_id): hit.document for hit in result.first_stage.hits}

    def explained(position: int, rank: int) -> ExplainedHit:
        hit = with_details(hits[position], result, documents[position])
        waited = hit.logit is None and hit.unscored in (None, "below the window")
        return replace(
            hit,
            rank=rank,
            doc_id=ids[position],
            first_stage_score=hit.first_stage_score if scored else None,
            unscored="not in time" if waited and position < late else hit.unscored,
        )

    found = tuple(explained(position, rank) for rank, position in enumerate(shown, start=first))
    return Explanation(result.ranking.query.text, result.fusion, result.scale, found)


def _hit(position: int, candidate: Candidate) -> Hit:
    # ids fall as positions rise: the ordering rule (ties by doc_id, descending) then keeps the given order
    document = replace(candidate.document, doc_id=f"{_LARGEST - position:010d}")
    return Hit(document, -float(position) if candidate.score is None else candidate.score)
