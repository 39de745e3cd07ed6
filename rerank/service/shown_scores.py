"""The scores that a reply shows: floats that every caller can read, and whose order is that of the results.

Who calls the service often sorts by these scores again, as float32 numbers: OpenSearch keeps them as they are, and
Elasticsearch adds 1. So two documents of different logits must not get scores that such numbers cannot tell apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from resift.rerank.candidates import Reranked
from resift.rerank.fusion import Scale

GAP = 2 * float(np.spacing(np.float32(1.0)))
"""The least difference of two shown probabilities, 2^-22: twice that of adjacent float32 numbers from 1 to 2.

Half of it could be lost when a probability is written with 9 digits, read, and added to 1.
"""


def shown_scores(results: Sequence[Reranked], scale: Scale | None, raw: bool) -> list[float]:
    """Return the score to show of each of `results`, which are best first; the scores never rise.

    A scored document has its logit, or if the first stage was fused, the logit whose z-score is the fused value, by the
    mean and deviation in `scale`. `raw` shows that; else its sigmoid, from 0 to 1. Documents without a score keep their
    place among these: scores between them and the nearest scored document, or the end of the range.
    """
    scored = [place for place, one in enumerate(results) if one.logit is not None]
    if not scored:
        size = len(results)
        # near 0, so that nobody takes them for what a model found relevant
        return [rounded(-float(place) if raw else (size - place) * GAP) for place in range(size)]
    values = np.array([_value(results[place], scale) for place in scored], dtype=np.float64)
    shown = values if raw else _sigmoid(values)
    above, below = scored[0], len(results) - 1 - scored[-1]
    top, bottom = float(shown[0]), float(shown[-1])
    if raw:
        first = [top + above - place for place in range(above)]
        last = [bottom - 1 - place for place in range(below)]
    else:
        first = [top + (1.0 - top) * (above - place) / (above + 1) for place in range(above)]
        last = [bottom * (below - place) / (below + 1) for place in range(below)]
    every = np.array([*first, *shown.tolist(), *last], dtype=np.float64)
    if not raw:
        every = apart(every, np.array([one.score for one in results]))
    return [rounded(score) for score in every.tolist()]


def apart(scores: NDArray[np.float64], deciding: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `scores` (n,), descending from 1 to 0, with a gap of 2^-22 or more wherever `deciding` (n,) falls.

    >>> apart(np.array([1.0, 1.0, 0.5]), np.array([30.0, 29.0, 0.0])).tolist()
    [1.0, 0.9999997615814209, 0.5]
    """
    steps = GAP * np.concatenate([np.zeros(min(1, len(scores))), np.cumsum(np.diff(deciding) < 0)])  # (n,) ascending
    lowered = np.minimum.accumulate(scores + steps)  # descending from the first score, each below those before it
    found: NDArray[np.float64] = (
        np.maximum(lowered, steps.max(initial=0.0)) - steps
    )  # raised where it would end below 0
    return found


def rounded(score: float) -> float:
    """Return `score` with 9 significant digits: text of at most 18 characters, and float32 numbers stay different."""
    return float(f"{score:.9g}") + 0.0  # never -0.0


def _value(result: Reranked, scale: Scale | None) -> float:
    assert result.logit is not None
    if result.fused is None or scale is None:
        return result.logit
    mean, deviation = scale.logits
    return mean + (deviation or 1.0) * result.fused


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-values)), without overflow."""
    wide = np.exp(-np.abs(values))
    found: NDArray[np.float64] = np.where(values >= 0, 1.0, wide) / (1.0 + wide)
    return found
