"""Turn the probabilities that most APIs return back into logits, by which resift orders documents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EDGE = 2.0**-24
"""Probabilities nearer to 0 or 1 than this count as this far from it, so that their logits are finite.

It is the distance between 1 and the largest float32 below 1. The logits are thus between -16.64 and 16.64.
"""


def to_logits(probabilities: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the inverse sigmoid log(p / (1 - p)) of `probabilities` (n,), float32 (n,), all finite.

    Equal ones stay equal, and distinct ones stay distinct and in order: where two logits are rounded to one float32,
    the upper one is raised to the next. A server whose scores are not probabilities is ordered by them as well: what is
    above 1 or below 0 is added to the logit of the edge.

    >>> [round(float(logit), 3) for logit in to_logits(np.array([0.5, 0.9, 0.0]))]
    [0.0, 2.197, -16.636]
    """
    values, places = np.unique(probabilities.astype(np.float64), return_inverse=True)  # ascending
    inside = np.clip(values, EDGE, 1.0 - EDGE)
    logits = (np.log(inside) - np.log1p(-inside) + (values - inside)).astype(np.float32)
    for place in range(1, len(logits)):
        if logits[place] <= logits[place - 1]:
            logits[place] = np.nextafter(logits[place - 1], np.float32(np.inf))
    found: NDArray[np.float32] = logits[places.reshape(-1)]
    return found
