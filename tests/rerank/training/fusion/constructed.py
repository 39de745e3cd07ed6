"""Both stages' scores of made-up queries, whose best weight is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resift.rerank.training.fusion.stage_scores import QueryScores, SetScores

Draws = np.random.Generator


def query(
    first_stage: NDArray[np.float64], logits: NDArray[np.float64], gains: NDArray[np.float64], name: str = "q"
) -> QueryScores:
    """Return a query whose documents were all read to the end, and whose judged documents were all found."""
    best = np.sort(gains)[::-1][:10]
    return QueryScores(
        name,
        first_stage,
        logits.astype(np.float32),
        np.ones(len(gains)),
        gains,
        tuple(f"d{place}" for place in range(len(gains))),
        float(best @ (1 / np.log2(np.arange(2, 2 + len(best))))),
    )


def noisy_set(name: str, queries: int, noise: tuple[float, float], seed: int, documents: int = 30) -> SetScores:
    """Return a set in which each stage scores by the grade plus normal noise of `noise`: first stage, model.

    With independent noise a and b, the best weight of the sum a*x + b*y is inverse to the variance.
    """
    draws = np.random.default_rng(seed)
    made = []
    for number in range(queries):
        gains = np.zeros(documents)
        gains[draws.choice(documents, 3, replace=False)] = 1.0
        first, model = (gains + draws.normal(0, spread, documents) for spread in noise)
        made.append(query(first, model, gains, f"{name}-{number}"))
    return SetScores(name, tuple(made))
