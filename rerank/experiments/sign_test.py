"""The exact sign test, the interval of a share, and how many votes distinguish a share from one half."""

from __future__ import annotations

import math

_LEVEL = 0.05  # two-sided; the intervals are of 95 %
_NORMAL_975, _NORMAL_80 = 1.959964, 0.841621  # quantiles of the standard normal distribution
_FEWEST = 6  # votes; with fewer, even those that all agree have a p-value above 0.05
_TINY = 1e-300


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of the exact sign test: how often fair coins differ at least as much.

    Source: Conover (1999), "Practical nonparametric statistics", section 3.4. It is 1 without wins and losses.

    >>> round(sign_test(9, 1), 4)
    0.0215
    """
    count, fewer = wins + losses, min(wins, losses)
    return 1.0 if 2 * fewer >= count else min(1.0, 2.0 * binomial_tail(fewer, count, 0.5))


def share_interval(wins: int, count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of the share of `wins` among `count` votes; from 0 to 1 without votes.

    Source: Clopper and Pearson (1934), "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26. It excludes one half if, and only if, the p-value of `sign_test` is below 0.05.

    >>> [round(limit, 4) for limit in share_interval(9, 10)]
    [0.555, 0.9975]
    """
    return _lowest_share(wins, count), 1.0 - _lowest_share(count - wins, count)


def votes_needed(share: float) -> int | None:
    """Return how many votes distinguish a true `share` of wins from one half in 4 of 5 experiments; None for one half.

    Two-sided, level 0.05, power 0.8, in the normal approximation: Fleiss, Levin and Paik (2003), "Statistical methods
    for rates and proportions", section 2.4. It is at least 6: fewer votes never decide.

    >>> votes_needed(0.6), votes_needed(0.4), votes_needed(0.5)
    (194, 194, None)
    """
    distance = abs(share - 0.5)
    if distance < 1e-9:
        return None
    spread = _NORMAL_975 * 0.5 + _NORMAL_80 * math.sqrt(share * (1.0 - share))
    return max(_FEWEST, math.ceil((spread / distance) ** 2))


def visible_share(votes: int) -> float | None:
    """Return the least share above one half that `votes` distinguish from it in 4 of 5 experiments; None if none is.

    >>> round(visible_share(194), 3), visible_share(3)
    (0.6, None)
    """
    low, high = 0.5, 1.0
    if (votes_needed(high) or 0) > votes:
        return None
    while high - low > 1e-6:
        middle = (low + high) / 2
        needed = votes_needed(middle)
        low, high = (middle, high) if needed is None or needed > votes else (low, middle)
    return high


def binomial_tail(successes: int, count: int, share: float) -> float:
    """Return the probability of at most `successes` in `count` tries that each succeed with probability `share`.

    By the regularized incomplete beta function: Abramowitz and Stegun (1964), equation 26.5.24.

    >>> binomial_tail(1, 2, 0.5)
    0.75
    """
    if successes >= count:
        return 1.0
    return 0.0 if successes < 0 else _incomplete_beta(count - successes, successes + 1, 1.0 - share)


def _lowest_share(wins: int, count: int) -> float:
    """Return the share with which at least `wins` of `count` have a probability of 2.5 %."""
    if wins <= 0:
        return 0.0
    low, high = 0.0, wins / count
    for _ in range(60):
        middle = (low + high) / 2
        reached = 1.0 - binomial_tail(wins - 1, count, middle)
        low, high = (middle, high) if reached < _LEVEL / 2 else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return I_x(a, b), by the continued fraction of Abramowitz and Stegun, equation 26.5.8, where it is fast."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, 1.0 - x)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(logarithm) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction, by the modified method of Lentz (Thompson and Barnett 1986)."""
    upper, lower = 1.0, 1.0 / _nonzero(1.0 - (a + b) * x / (a + 1))
    value = lower
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for coefficient in (even, odd):
            lower = 1.0 / _nonzero(1.0 + coefficient * lower)
            upper = _nonzero(1.0 + coefficient / upper)
            value *= lower * upper
        if abs(lower * upper - 1.0) < 1e-15:
            break
    return value


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
