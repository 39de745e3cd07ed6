"""What every second stage can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pair = tuple[str, str]
"""(query text, document text): what a cross-encoder reads together."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What a scorer says of n pairs, in the order of the pairs.

    `logits`: float32 (n,), raw and unbounded: the order is decided on these, higher is better.
    `truncated`: bool (n,), true where the document did not fit and its end was not read.
    `query_truncated`: bool (n,), true where the query alone was so long that even it was cut, as a last resort.
    """

    logits: NDArray[np.float32]
    truncated: NDArray[np.bool_]
    query_truncated: NDArray[np.bool_]

    def __getitem__(self, part: slice) -> Scores:
        """Return the scores of a run of pairs."""
        return Scores(self.logits[part], self.truncated[part], self.query_truncated[part])


class Scorer(Protocol):
    """Scores (query, document) pairs; one implementation a file, one row each in `resift.rerank.scorers.registry`."""

    def score(self, pairs: Sequence[Pair]) -> Scores:
        """Return one finite logit a pair. An empty sequence gives empty arrays. Raises ModelError."""
        ...
