"""Test whether a difference is significant: paired tests over queries, with numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLES = 10_000
SEED = 12
_CHUNK = 500
_SAME = 1e-9  # values of a query that differ by less are a tie; the rounding error of a sum is about 1e-16


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure before and after reranking, compared over the same n queries.

    `difference`: mean of after - before. `low`, `high`: its 95 % interval by the paired bootstrap.
    `p_value`: two-sided, by the paired randomization test.
    `wins`, `ties`, `losses`: queries on which after is above, equal to, below before.
    """

    difference: float
    low: float
    high: float
    p_value: float
    wins: int
    ties: int
    losses: int

    @property
    def certain(self) -> bool:
        """True if the interval excludes 0."""
        return self.low > 0.0 or self.high < 0.0


def compare(before: Sequence[float], after: Sequence[float], samples: int = SAMPLES, seed: int = SEED) -> Comparison:
    """Return how `after` differs from `before`, both of shape (n,), with one value per query in the same order.

    The interval is the percentile interval over `samples` resamples of the n queries: Efron and Tibshirani
    (1993), "An introduction to the bootstrap", 13.3; for retrieval, Sakai (2006), "Evaluating evaluation metrics
    based on the bootstrap". The p-value is Fisher's randomization test over `samples` random flips of the signs,
    as in Smucker, Allan and Carterette (2007), "A comparison of statistical significance tests for information
    retrieval evaluation", counted as (1 + hits) / (1 + samples) (Phipson and Smyth, 2010), so it is never 0.
    The same seed gives the same figures. Raises ValueError if n is 0 or the lengths differ.

    >>> compare([0.0, 0.5, 1.0], [0.5, 1.0, 1.0]).wins
    2
    """
    if len(before) != len(after) or not before:
        raise ValueError(
            f"{len(before)} values before and {len(after)} after; expected the same number, and at least one"
        )
    differences = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    differences[np.abs(differences) <= _SAME] = 0.0
    generator = np.random.default_rng(seed)
    low, high = np.quantile(_resampled_means(differences, samples, generator), [0.025, 0.975])
    return Comparison(
        difference=float(differences.mean()),
        low=float(low),
        high=float(high),
        p_value=_randomization_p(differences, samples, generator),
        wins=int((differences > 0).sum()),
        ties=int((differences == 0).sum()),
        losses=int((differences < 0).sum()),
    )


def _resampled_means(
    differences: NDArray[np.float64], samples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the means (samples,) of resamples with replacement of `differences` (n,)."""
    count = len(differences)
    means = [
        differences[generator.integers(count, size=(size, count))].mean(axis=1)  # (size, n) -> (size,)
        for size in _chunks(samples)
    ]
    return np.concatenate(means)


def _randomization_p(differences: NDArray[np.float64], samples: int, generator: np.random.Generator) -> float:
    """Return the share of sign flips whose mean is at least as far from 0 as the observed mean."""
    observed = abs(differences.sum()) - _SAME
    hits = 0
    for size in _chunks(samples):
        signs = generator.integers(2, size=(size, len(differences)), dtype=np.int8) * 2.0 - 1.0  # (size, n)
        hits += int((np.abs(signs @ differences) >= observed).sum())
    return (1 + hits) / (1 + samples)


def _chunks(samples: int) -> list[int]:
    """Return the sizes of the chunks in which `samples` rows are drawn, so that memory is limited."""
    return [min(_CHUNK, samples - start) for start in range(0, samples, _CHUNK)]
