"""A first stage with given documents, and a scorer that prefers long texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from resift.rerank.scorer import Pair, Scores
from resift.retrieval.types import Document, Hit, Query, Ranking


class Listed:
    """Returns the listed documents of each query, whose texts are their ids, in that order."""

    language = "english"

    def __init__(self, found: Mapping[str, Sequence[str]]) -> None:
        self.found = found
        self.calls = 0

    def notes(self) -> list[str]:
        return []

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        self.calls += 1
        return [
            Ranking.of(query, [Hit(Document(one, one), -float(n)) for n, one in enumerate(self.found[query.query_id])])
            for query in queries
        ]


class Longest:
    """Scores a document by its length."""

    def score(self, pairs: Sequence[Pair]) -> Scores:
        nothing = np.zeros(len(pairs), dtype=bool)
        return Scores(np.array([len(text) for _, text in pairs], dtype=np.float32), nothing, nothing)
