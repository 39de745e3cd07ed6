"""The functions that convert logits to the scores that are shown.

Documents are always ordered by float32 logits. The sigmoid saturates (at a logit of 17 in float32, of 6 in bfloat16)
and so turns different scores into equal ones; it is only for display.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)) of `logits` (n,), float32 (n,), without overflow.

    >>> sigmoid(np.array([0.0, 1000.0, -1000.0], dtype=np.float32)).tolist()
    [0.5, 1.0, 0.0]
    """
    wide = np.exp(-np.abs(logits.astype(np.float64)))
    return np.where(logits >= 0, 1.0 / (1.0 + wide), wide / (1.0 + wide)).astype(np.float32)


def identity(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `logits` (n,) unchanged."""
    return logits


ACTIVATIONS = {"sigmoid": sigmoid, "identity": identity}
"""Name of an activation -> the function that converts logits (n,) to scores (n,), both float32."""
