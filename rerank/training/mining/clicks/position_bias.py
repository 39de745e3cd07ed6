"""Estimate how likely a result is looked at in each position, from results that were shown in several of them.

The position-based model says that the click rate of a result in a position is its attractiveness times the position's
propensity. So the click rates of the same results in two positions have the ratio of the two propensities, whatever
their attractiveness is. Source: Agarwal et al. 2019, "Estimating Position Bias without Intrusive Interventions",
section 4, https://doi.org/10.1145/3289600.3291017 (sets of results that were shown in both positions, with sums that
are weighted by the impressions). All pairs of positions are combined by weighted least squares on the logarithms of
their ratios, whose variance is that of two counts of clicks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Shown = Mapping[int, tuple[int, int] | list[int]]
"""Position, from 1 -> (impressions, clicks) of one result of one query."""
_FEWEST = 10  # clicks on both sides of a pair of positions; fewer say too little
_RANDOM_ADDED = 0.5  # clicks added on both sides, so that a logarithm exists


@dataclass(frozen=True, slots=True)
class PositionBias:
    """The propensity of each position: how likely a result there is looked at, compared with the first position.

    `propensities` has those of positions 1 to n; later ones have the last. `measured` has the positions that were
    estimated; the others were extrapolated or assumed. `kind` is estimate, inverse-rank or none.
    """

    propensities: tuple[float, ...]
    measured: frozenset[int] = frozenset()
    kind: str = "estimate"

    def at(self, position: int) -> float:
        """Return the propensity of a position, from 1."""
        return self.propensities[min(position, len(self.propensities)) - 1]


def inverse_rank(positions: int) -> PositionBias:
    """Return propensities of 1/rank, the usual assumption where nothing can be measured.

    Source: Joachims et al. 2017, "Unbiased Learning-to-Rank with Biased Feedback", section 6.1,
    https://doi.org/10.1145/3018661.3018699.
    """
    return PositionBias(tuple(1.0 / rank for rank in range(1, max(1, positions) + 1)), kind="inverse-rank")


def no_bias(positions: int) -> PositionBias:
    """Return the same propensity for every position."""
    return PositionBias((1.0,) * max(1, positions), kind="none")


def estimate(results: Iterable[Shown]) -> PositionBias | None:
    """Return the propensities by the results that were shown in several positions; None if none are known by that.

    `results` has one entry for each result of each query. Positions that no chain of such results connects with the
    first one, or with the most shown one if that is not the first, are extrapolated by the power of the rank that fits
    the others best.
    """
    sums: defaultdict[tuple[int, int], NDArray[np.float64]] = defaultdict(lambda: np.zeros(3))
    last = 1
    for shown in results:
        last = max(last, *shown)
        positions = sorted(shown)
        for place, above in enumerate(positions):
            for below in positions[place + 1 :]:
                sums[above, below] += _pair(shown[above], shown[below])
    pairs = {pair: total for pair, total in sums.items() if total[2] >= _FEWEST}
    known = _connected(pairs)
    if len(known) < 2:
        return None
    logs = _solved(pairs, sorted(known))
    return PositionBias(_completed(logs, last), frozenset(known))


def _pair(above: tuple[int, int] | list[int], below: tuple[int, int] | list[int]) -> NDArray[np.float64]:
    """Return the weighted click rates of one result in two positions, and its clicks in both, [3].

    The weight, the harmonic mean of the impressions, is the same for both, so that the ratio of sums is unbiased.
    """
    weight = above[0] * below[0] / (above[0] + below[0])
    return np.array([weight * above[1] / above[0], weight * below[1] / below[0], above[1] + below[1]])


def _connected(pairs: Mapping[tuple[int, int], object]) -> set[int]:
    """Return the positions that chains of pairs connect with the first one; without it, with the lowest one."""
    found = {min((above for above, _ in pairs), default=1)}
    while True:
        more = {one for pair in pairs if found & set(pair) for one in pair} - found
        if not more:
            return found
        found |= more


def _solved(pairs: Mapping[tuple[int, int], NDArray[np.float64]], known: list[int]) -> dict[int, float]:
    """Return the logarithm of the propensity of each position in `known`, 0 for the first of them."""
    columns = {position: column for column, position in enumerate(known)}
    rows, values, weights = [], [], []
    for (above, below), (first, second, _) in pairs.items():
        if above in columns:
            first, second = first + _RANDOM_ADDED, second + _RANDOM_ADDED
            row = np.zeros(len(known))
            row[columns[above]], row[columns[below]] = 1.0, -1.0
            rows.append(row)
            values.append(np.log(first / second))
            weights.append(np.sqrt(1.0 / (1.0 / first + 1.0 / second)))  # 1 / standard deviation of the logarithm
    matrix = np.array(rows)[:, 1:]  # [pairs, positions - 1]: the first position's logarithm is 0
    scaled = np.array(weights)
    solved = np.linalg.lstsq(matrix * scaled[:, None], np.array(values) * scaled, rcond=None)[0]
    return dict(zip(known, [0.0, *solved.tolist()], strict=True))


def _completed(logs: Mapping[int, float], last: int) -> tuple[float, ...]:
    """Return the propensities of positions 1 to `last`, at most 1; those without a logarithm are extrapolated."""
    ranks = np.log(np.array(list(logs), dtype=np.float64))  # [known positions]
    values = np.array(list(logs.values()))
    moved, dropped = ranks - ranks[0], values - values[0]
    power = min(0.0, float(moved @ dropped) / float(moved @ moved))  # values fall as rank ** power
    first = values[0] - power * ranks[0]
    made = [logs.get(rank, first + power * float(np.log(rank))) for rank in range(1, last + 1)]
    highest = made[0]
    return tuple(float(min(1.0, np.exp(one - highest))) for one in made)
