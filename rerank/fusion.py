"""How the first stage's score and the cross-encoder's become one: pure functions over one query's window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def standardize(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the z-scores of `scores` (n,): mean 0, population standard deviation 1, or all 0 where all are equal.

    Source: the standard score, as in Lee (1997), "Analyses of multiple evidence combination", SIGIR, and in
    OpenSearch's z_score normalization technique.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.size == 0 or np.ptp(values) == 0.0:
        return np.zeros_like(values)
    largest = np.abs(values).max()
    if largest > 1e100:  # squares of such scores overflow; a z-score does not depend on the scale
        values = values / largest
    centred = values - values.mean()
    deviation = centred.std()
    return np.zeros_like(values) if deviation == 0.0 else centred / deviation


def fuse(first_stage: NDArray[np.floating], logits: NDArray[np.floating], weight: float) -> NDArray[np.float32]:
    """Return `weight` * z(logits) + (1 - `weight`) * z(first_stage), float32 (n,), over one query's candidates.

    Both arrays are (n,) in the same order. With weight 0.5 this orders as the equal sum of z-scores does.
    Source: CombSUM over z-scores, Fox and Shaw (1994), "Combination of multiple searches", TREC-2.
    """
    combined = weight * standardize(logits) + (1.0 - weight) * standardize(first_stage)
    return combined.astype(np.float32)
