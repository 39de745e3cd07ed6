"""How the first stage's score and the cross-encoder's become one: pure functions over one query's window."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

_NOISE = 1e-12  # z-scores nearer than this are equal: the rounding of `standardize` is some 1e-14
_STEP = float(np.spacing(np.float32(1.0)))  # 1.2e-7: near 0 the next float32 is one that some readers take for 0


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
    values = values - values.min()  # loses next to nothing, where a mean far from 0 loses the last digits
    centred = values - values.mean()
    deviation = centred.std()
    return np.zeros_like(values) if deviation == 0.0 else centred / deviation


def fuse(first_stage: NDArray[np.floating], logits: NDArray[np.floating], weight: float) -> NDArray[np.float32]:
    """Return `weight` * z(logits) + (1 - `weight`) * z(first_stage), float32 (n,), over one query's candidates.

    Both arrays are (n,) in the same order. With weight 0.5 this orders as the equal sum of z-scores does. Where two
    sums are equal, as they always are of two candidates on which the stages disagree, the higher logit decides.
    Source: CombSUM over z-scores, Fox and Shaw (1994), "Combination of multiple searches", TREC-2.

    >>> int(fuse(np.array([9.0, 1.0]), np.array([-3.0, 2.0]), 0.5).argmax())
    1
    """
    combined = weight * standardize(logits) + (1.0 - weight) * standardize(first_stage)
    return separate(combined, logits)


def separate(values: NDArray[np.float64], logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return `values` (n,) as float32 (n,) whose order alone says: by value, and where values are equal by logit.

    Values are equal where only the rounding of float64 parts them. A score that float32 would put level with, or
    below, one that it must be above is raised by a step above that one; so no two change places, and what has equal
    value and equal logit has an equal score.
    """
    rising = np.argsort(values, kind="stable")
    parted = np.diff(values[rising], prepend=values[rising[:1]]) > _NOISE  # (n,)
    groups = np.empty(len(values), dtype=np.int64)
    groups[rising] = np.cumsum(parted)
    scores = values.astype(np.float32)
    for lower, upper in itertools.pairwise(np.lexsort((logits, groups))):
        if groups[lower] == groups[upper] and logits[lower] == logits[upper]:
            scores[upper] = scores[lower]
        elif scores[upper] <= scores[lower]:
            scores[upper] = _above(scores[lower])
    return scores


def _above(score: np.float32) -> np.float32:
    """Return the next float32 above `score`, or what is a step of 2^-23 above it where that is farther."""
    return max(np.nextafter(score, np.float32(np.inf)), score + np.float32(_STEP))
