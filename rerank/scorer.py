"""The protocol that every second stage implements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pair = tuple[str, str]
"""(query text, document text), which a cross-encoder reads together."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of n pairs, in the order of the pairs.

    `logits`: float32 (n,), raw and unbounded; documents are ordered by them, higher is better.
    `truncated`: bool (n,), True if the document did not fit and its end was not read.
    `query_truncated`: bool (n,), True if the query was so long that its end was not read either.
    `read_characters`: int64 (n,), how many characters of the document were read, from its start; None if not known.
    """

    logits: NDArray[np.float32]
    truncated: NDArray[np.bool_]
    query_truncated: NDArray[np.bool_]
    read_characters: NDArray[np.int64] | None = None

    def __getitem__(self, part: slice) -> Scores:
        """Return the scores of the pairs in the slice `part`."""
        read = None if self.read_characters is None else self.read_characters[part]
        return Scores(self.logits[part], self.truncated[part], self.query_truncated[part], read)


class Scorer(Protocol):
    """Scores (query, document) pairs; `resift.rerank.scorers.registry` lists the implementations.

    Each of these holds for every implementation, and `tests/contracts` tests it:

    - `score` may be called from several threads at once.
    - A pair's score depends on its two texts and their order alone, up to the rounding of float32: not on the other
      pairs of the call nor on its position. Equal pairs in one call have exactly equal scores, and so have two calls
      with the same pairs.
    - Every text is scored: empty ones, control characters, lone surrogates, and texts longer than the model reads.
    """

    def score(self, pairs: Sequence[Pair]) -> Scores:
        """Return one finite logit per pair of `pairs`, never NaN, in their order; an empty list gives empty arrays.

        `pairs` is a list of (query, document), each a tuple or list of two strings; the scorers of `BACKENDS` take any
        iterable. Raises SettingsError if `pairs` is not a list of pairs of strings, and ModelError if the model cannot
        score them.
        """
        ...
