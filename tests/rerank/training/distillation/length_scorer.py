"""A scorer whose logit is the length of the document, without white space at its ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from resift.rerank.scorer import Pair, Scores


class LengthScorer:
    """Counts in `scored` how many pairs it was given; each logit is `factor` times the length."""

    def __init__(self, factor: float = 1.0) -> None:
        self.scored, self.factor = 0, factor

    def score(self, pairs: Sequence[Pair]) -> Scores:
        self.scored += len(pairs)
        found = np.array([self.factor * len(document.strip()) for _, document in pairs], np.float32)
        no = np.zeros(len(pairs), bool)
        return Scores(found, no, no)
