"""Rankings and orders in short form, and a scorer that looks each text up in a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from resift.rerank.scorer import Pair, Scores
from resift.retrieval.types import Document, Hit, Query, Ranking

QUERY = Query("q1", "cat food")


class TableScorer:
    """Scores a document's text by a table; `read` has all texts that it was given."""

    def __init__(self, **logits: float) -> None:
        self.logits, self.read = logits, list[str]()

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.read += [text for _, text in pairs]
        none = np.zeros(len(pairs), dtype=bool)
        return Scores(np.array([self.logits[text] for _, text in pairs], dtype=np.float32), none, none)


def ranking(*hits: tuple[str, str, float], query: Query = QUERY) -> Ranking:
    """Return the ranking of (doc_id, text, score) hits."""
    return Ranking.of(query, [Hit(Document(doc_id, text), score) for doc_id, text, score in hits])


def ids(result: Ranking) -> list[str]:
    """Return the doc_ids of a ranking, best first."""
    return [hit.document.doc_id for hit in result.hits]
