"""Candidates from outside, a list of texts with scores, as a ranking, and back to positions in the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from resift.retrieval.types import Document, Hit, Query, Ranking

_LARGEST = 10**9  # candidates in one list, at most


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text to rerank; `score` is the first stage's, None if there is none."""

    text: str
    title: str = ""
    score: float | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


def to_ranking(query: Query, candidates: Sequence[Candidate]) -> Ranking:
    """Return `candidates`, best first as the first stage gave them, as a ranking.

    Candidates of equal score keep their given order. If none has a score, the given order itself is the first
    stage's: the scores fall by 1 per position. Each document's id encodes its position, since ids from outside may
    be missing or repeated; `position` decodes it. Raises ValueError on a NaN, and if only some have a score.

    >>> ranking = to_ranking(Query("q", "soup"), [Candidate("a", score=1.0), Candidate("b", score=1.0)])
    >>> [(position(hit.document), hit.document.text) for hit in ranking.hits]
    [(0, 'a'), (1, 'b')]
    """
    missing = sum(candidate.score is None for candidate in candidates)
    if 0 < missing < len(candidates):
        raise ValueError(f"{missing} of {len(candidates)} candidates have no score; expected a score for all or none")
    return Ranking.of(query, [_hit(place, candidate) for place, candidate in enumerate(candidates)])


def position(document: Document) -> int:
    """Return the position, from 0, of a document of `to_ranking` in the list of candidates."""
    return _LARGEST - int(document.doc_id)


def _hit(place: int, candidate: Candidate) -> Hit:
    # ids fall as positions rise: the ordering rule (ties by doc_id, descending) then keeps the given order
    document = Document(f"{_LARGEST - place:010d}", candidate.text, candidate.title, candidate.fields)
    return Hit(document, -float(place) if candidate.score is None else candidate.score)
