"""Test whether a difference is significant: paired tests over queries, with numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Paired = tuple[Sequence[float], Sequence[float]]
"""The values of one set before and after reranking, of the same queries in the same order."""
SAMPLES = 10_000
SEED = 12
_CHUNK = 500
SAME = 1e-9
"""Values of a query that differ by less are a tie; the rounding error of a sum is about 1e-16."""


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
    return compare_sets([(before, after)], samples, seed)


def compare_sets(sets: Sequence[Paired], samples: int = SAMPLES, seed: int = SEED) -> Comparison:
    """Return how the mean over `sets` differs, where each set (before, after) has the same weight, whatever its size.

    The queries of each set are resampled, and their signs flipped, within the set: the stratified forms of the tests
    of `compare` (Efron and Tibshirani, 8.3, of several samples). Wins, ties and losses are summed.
    Raises ValueError if there is no set, a set is empty or its lengths differ.

    >>> compare_sets([([0.0], [1.0]), ([0.0, 0.0], [0.5, 0.0])]).difference
    0.625
    """
    differences = [_differences(before, after) for before, after in sets]
    if not differences:
        raise ValueError("no set is compared; expected at least one")
    generator = np.random.default_rng(seed)
    resampled = [_resampled_means(one, samples, generator) for one in differences]
    low, high = np.quantile(np.mean(resampled, axis=0), [0.025, 0.975])
    every = np.concatenate(differences)
    return Comparison(
        difference=float(np.mean([one.mean() for one in differences])),
        low=float(low),
        high=float(high),
        p_value=_randomization_p(differences, samples, generator),
        wins=int((every > 0).sum()),
        ties=int((every == 0).sum()),
        losses=int((every < 0).sum()),
    )


def _differences(before: Sequence[float], after: Sequence[float]) -> NDArray[np.float64]:
    """Return after - before (n,), where those that are only rounding errors are 0. Raises ValueError."""
    if len(before) != len(after) or not before:
        raise ValueError(
            f"{len(before)} values before and {len(after)} after; expected the same number, and at least one"
        )
    differences = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    differences[np.abs(differences) <= SAME] = 0.0
    return differences


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


def _randomization_p(sets: Sequence[NDArray[np.float64]], samples: int, generator: np.random.Generator) -> float:
    """Return the share of sign flips whose mean over the `sets` is at least as far from 0 as the observed mean."""
    weighted = [one * (len(sets[0]) / len(one)) for one in sets]  # the sum has each set's mean with the same weight
    observed = abs(sum(float(one.sum()) for one in weighted)) - SAME
    flipped = np.sum([_flipped_sums(one, samples, generator) for one in weighted], axis=0)
    hits = int((np.abs(flipped) >= observed).sum())
    return (1 + hits) / (1 + samples)


def _flipped_sums(
    differences: NDArray[np.float64], samples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the sums (samples,) of `differences` (n,) with random signs."""
    count = len(differences)
    sums = [
        (generator.integers(2, size=(size, count), dtype=np.int8) * 2.0 - 1.0) @ differences  # (size, n) -> (size,)
        for size in _chunks(samples)
    ]
    return np.concatenate(sums)


def _chunks(samples: int) -> list[int]:
    """Return the sizes of the chunks in which `samples` rows are drawn, so that memory is limited."""
    return [min(_CHUNK, samples - start) for start in range(0, samples, _CHUNK)]
