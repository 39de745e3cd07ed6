"""Combine the scores of the first stage and of the cross-encoder: pure functions of one query's window."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NOISE = 1e-12  # z-scores that differ by at most this are equal: the rounding error of `standardize` is about 1e-14
# 2^-23, the smallest difference: near 0, adjacent float32 numbers are so small that some readers round them to 0
_STEP = float(np.spacing(np.float32(1.0)))


def standardize(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the z-scores of `scores` (n,), float64 (n,), with mean 0 and population standard deviation 1.

    If all scores are equal, all z-scores are 0.
    Source: the standard score, as in Lee (1997), "Analyses of multiple evidence combination", SIGIR, and in
    OpenSearch's z_score normalization technique.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.size == 0 or np.ptp(values) == 0.0:
        return np.zeros_like(values)
    largest = np.abs(values).max()
    if largest > 1e100:  # the squares would overflow; a z-score does not depend on the scale
        values = values / largest
    values = values - values.min()  # keeps the last digits, which would be lost if the mean is far from 0
    centred = values - values.mean()
    deviation = centred.std()
    return np.zeros_like(values) if deviation == 0.0 else centred / deviation


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and population standard deviation of both stages' scores, over all candidates that were fused.

    With it, some of the candidates get the same fused scores later, without the others.
    """

    first_stage: tuple[float, float]
    logits: tuple[float, float]

    @classmethod
    def of(cls, first_stage: NDArray[np.floating], logits: NDArray[np.floating]) -> Scale:
        """Return the scale of one query's candidates; both arrays are (n,), n at least 1.

        >>> Scale.of(np.array([9.0, 1.0]), np.array([2.0, 2.0]))
        Scale(first_stage=(5.0, 4.0), logits=(2.0, 0.0))
        """
        both = (np.asarray(scores, dtype=np.float64) for scores in (first_stage, logits))
        means = [(float(scores.mean()), float(scores.std()) if np.ptp(scores) else 0.0) for scores in both]
        return cls(*means)


def fuse(
    first_stage: NDArray[np.floating],
    logits: NDArray[np.floating],
    weight: float | NDArray[np.float64],
    scale: Scale | None = None,
) -> NDArray[np.float32]:
    """Return `weight` * z(logits) + (1 - `weight`) * z(first_stage), float32 (n,), over one query's candidates.

    The z-scores are those of `scale`, if it is given, which is that of more candidates than these. Both arrays are
    (n,), in the same order; `weight` is from 0 to 1, the same for all candidates or one of each, (n,). Weight 0.5 gives
    the same order as the sum of the z-scores. If two sums are equal, the candidate with the higher logit is first; if
    there are only two candidates and the stages disagree, the sums are always equal at weight 0.5.
    Source: CombSUM over z-scores, Fox and Shaw (1994), "Combination of multiple searches", TREC-2.

    >>> int(fuse(np.array([9.0, 1.0]), np.array([-3.0, 2.0]), 0.5).argmax())
    1
    """
    if scale is None:
        combined = weight * standardize(logits) + (1.0 - weight) * standardize(first_stage)
    else:
        combined = weight * _placed(logits, scale.logits) + (1.0 - weight) * _placed(first_stage, scale.first_stage)
    return separate(combined, logits)


def weights_by(kind: str, weight: float, read: NDArray[np.float64]) -> float | NDArray[np.float64]:
    """Return the model's weight in `fuse` for the kind of a fusion: one number, or one of each candidate, (n,).

    `read` (n,): the share of each candidate's text that the model read. A model that read only the beginning of a
    document knows only that part of it, while the first stage knows the whole: so by the kind "zscore-read" its weight
    is lowered to that share, `weight` * `read`. Raises ValueError for a kind that is not a sum.

    >>> weights_by("zscore-read", 0.8, np.array([1.0, 0.25])).tolist()
    [0.8, 0.2]
    """
    if kind == "zscore":
        return weight
    if kind == "zscore-read":
        return weight * np.asarray(read, dtype=np.float64)
    raise ValueError(f"{kind!r} is not a sum of both stages' scores")


def _placed(scores: NDArray[np.floating], moments: tuple[float, float]) -> NDArray[np.float64]:
    """Return the z-scores of `scores` (n,), float64 (n,), for a given mean and standard deviation; 0 if that is 0."""
    mean, deviation = moments
    centred = np.asarray(scores, dtype=np.float64) - mean
    return centred / deviation if deviation else np.zeros_like(centred)


def separate(values: NDArray[np.float64], logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return `values` (n,) as float32 (n,), with ties broken by `logits` (n,): sorting the result is enough.

    Values count as equal if they differ only by a rounding error of float64. If rounding to float32 would put a score
    at or below the score of a candidate that it must exceed, it is raised by one step above that score. So the order
    is kept, and only candidates with equal value and equal logit get equal scores.
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
    """Return the next float32 above `score`, or `score` + 2^-23 if that is larger."""
    return max(np.nextafter(score, np.float32(np.inf)), score + np.float32(_STEP))
