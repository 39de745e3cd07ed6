"""Choose the weight of a fusion from the values that each weight reaches: the rule, and its honest estimate.

The mean over the sets decides, each set with the same weight. Two things keep it from following noise or from serving
one set at the cost of another:

- A weight that harms a set, by more than the standard error of the difference from the first stage, is not taken.
- Of the weights whose mean is within half a standard error of the best one's, that is taken which does best on the set
  that gains least: the one-standard-error rule of Breiman and others (1984), "Classification and regression trees",
  3.4.3, with robustness in place of size. Half of it, because with few queries a whole one gave up more on held-out
  queries of development sets than it protected.

What the rule reaches is estimated by cross-validation over the queries: each part of the queries is measured with the
weight that the rule takes on all others (Stone (1974), "Cross-validatory choice and assessment of statistical
predictions").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
"""The values of one set by one kind of fusion, float64 (queries, weights); the first weight is 0, the first stage."""

_SAME = 1e-9
_TIED = 0.5  # standard errors of the difference within which two weights count as equally good


@dataclass(frozen=True, slots=True)
class Choice:
    """The place of the chosen weight, and of the weight with the best mean; `harmed`: the sets that ruled that out."""

    place: int
    best: int
    harmed: tuple[int, ...]


def choose_weight(sets: Sequence[Values]) -> Choice:
    """Return which weight the rule takes; `sets` have the same weights, and each has one query or more."""
    gains = [values - values[:, :1] for values in sets]  # (queries, weights) each, against the first stage
    means = np.array([one.mean(axis=0) for one in gains])  # (sets, weights)
    errors = np.array([standard_error(one) for one in gains])  # (sets, weights)
    harmed = means < -errors - _SAME  # (sets, weights)
    best = int(means.mean(axis=0).argmax())
    allowed = np.flatnonzero(~harmed.any(axis=0))  # the weight 0 is always among them
    leader = int(allowed[means[:, allowed].mean(axis=0).argmax()])
    lost = [one[:, [leader]] - one for one in gains]  # (queries, weights): what the leader is better by
    unsure = _of_mean([standard_error(one) for one in lost])  # (weights,)
    less = np.mean([one.mean(axis=0) for one in lost], axis=0)  # (weights,)
    tied = [int(place) for place in allowed if less[place] <= _TIED * unsure[place] + _SAME]
    place = max(tied, key=lambda one: (round(float(means[:, one].min()), 9), means[:, one].mean(), one))
    return Choice(place, best, tuple(np.flatnonzero(harmed[:, best]).tolist()))


def standard_error(values: Values) -> NDArray[np.float64]:
    """Return the standard error of the mean of each column of `values` (n, m), float64 (m,); 0 for one row."""
    count = len(values)
    if count < 2:
        return np.zeros(values.shape[1])
    errors: NDArray[np.float64] = values.std(axis=0, ddof=1) / np.sqrt(count)
    return errors


def _of_mean(errors: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the standard error of the mean over sets from those of the sets."""
    combined: NDArray[np.float64] = np.sqrt(np.sum(np.square(errors), axis=0)) / len(errors)
    return combined


@dataclass(frozen=True, slots=True, eq=False)
class Validated:
    """What the rule reaches on queries that it was not chosen on.

    `held_out`: of each set, each query's value, float64 (queries,), the mean over the repeats. `places`: the place of
    the weight that each fold took, (folds of all repeats,).
    """

    held_out: tuple[NDArray[np.float64], ...]
    places: NDArray[np.int64]

    def gain_over(self, others: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
        """Return the mean over sets of the difference from the values `others`, and its standard error."""
        differences = [mine - other for mine, other in zip(self.held_out, others, strict=True)]
        mean = float(np.mean([one.mean() for one in differences]))
        return mean, float(_of_mean([standard_error(one[:, None]) for one in differences])[0])


def cross_validate(sets: Sequence[Values], folds: int, repeats: int, seed: int = 12) -> Validated:
    """Return what the rule reaches on held-out queries; the queries of each set are divided into `folds` parts.

    The division is drawn anew in each of the `repeats`; the same seed gives the same one. A set with fewer queries than
    folds takes part with one query in as many folds as it has queries.
    """
    generator = np.random.default_rng(seed)
    sums = [np.zeros(len(values)) for values in sets]
    places: list[int] = []
    for _ in range(repeats):
        parts = [generator.permutation(len(values)) % folds for values in sets]  # the fold of each query
        for fold in range(folds):
            kept = [values[part != fold] for values, part in zip(sets, parts, strict=True)]
            place = choose_weight([values for values in kept if len(values)] or list(sets)).place
            places.append(place)
            for total, values, part in zip(sums, sets, parts, strict=True):
                total[part == fold] += values[part == fold, place]
    return Validated(tuple(total / repeats for total in sums), np.array(places))


def resampled_intervals(values: Values, samples: int = 2000, seed: int = 12) -> NDArray[np.float64]:
    """Return the 95 % interval of each column's mean, float64 (2, weights), low and high: a bootstrap over the rows.

    Source: the percentile interval of Efron and Tibshirani (1993), "An introduction to the bootstrap", 13.3, as in
    `resift.rerank.evaluation.significance`.
    """
    generator = np.random.default_rng(seed)
    means = np.concatenate([values[rows].mean(axis=1) for rows in _draws(len(values), samples, generator)])
    bounds: NDArray[np.float64] = np.quantile(means, [0.025, 0.975], axis=0)
    return bounds


def _draws(count: int, samples: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of `samples` resamples of `count` rows, a few at a time, so that memory is limited."""
    at_once = max(1, 100_000 // max(1, count))
    for start in range(0, samples, at_once):
        yield generator.integers(count, size=(min(at_once, samples - start), count))
