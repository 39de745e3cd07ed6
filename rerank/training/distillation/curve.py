"""The learning curve of a student, and what more pairs would bring by a power law fitted to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

LEAST_POINTS = 4
"""Measurements that a fit needs: one more than it has parameters."""

MOST_DEVIATION = 0.25
"""The largest deviation of a law that is used, as a share of the mean of the errors: others would mislead."""

_EXPONENTS = np.linspace(0.05, 2.0, 79)


@dataclass(frozen=True, slots=True)
class CurveFit:
    """The law error = floor + scale * pairs ** -exponent.

    `deviation`: the root of the mean squared difference from the measurements, in the unit of the error.
    """

    floor: float
    scale: float
    exponent: float
    deviation: float

    def at(self, pairs: float) -> float:
        """Return the error that is expected after `pairs` pairs."""
        return float(self.floor + self.scale * pairs**-self.exponent)

    def expected(self, error: float, pairs: int, times: float) -> float:
        """Return the error expected of a student with `error` after `pairs` pairs, had it read `times` as many.

        The law is that of measurements at the full learning rate; by its ratio the finished student's error falls.
        """
        return error * self.at(times * pairs) / max(self.at(pairs), 1e-12)

    def to_json(self) -> dict[str, float]:
        """Return the parameters by name."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def fit_curve(pairs: Sequence[int], errors: Sequence[float]) -> CurveFit | None:
    """Return the power law that fits the `errors` after so many `pairs` best, or None.

    That is, if there are fewer than `LEAST_POINTS`, or the best one deviates by more than `MOST_DEVIATION`, or by more
    than half of what it says that the pairs brought: such errors rose and fell by chance.

    Least squares: for each exponent of a grid the floor (0 or more) and the scale (0 or more) are solved for exactly.
    Measurements before the first pair are left out. The form is that of Hestness et al. 2017, "Deep Learning Scaling is
    Predictable, Empirically". It says nothing about more pairs than a few times those that were measured.

    >>> fit_curve([100, 400, 1600, 6400], [0.2, 0.1, 0.05, 0.025]).exponent
    0.5
    """
    seen = np.array([count for count in pairs if count > 0], dtype=np.float64)
    wanted = np.array([error for count, error in zip(pairs, errors, strict=True) if count > 0], dtype=np.float64)
    if len(seen) < LEAST_POINTS:
        return None
    best = min((_fit(seen, wanted, float(exponent)) for exponent in _EXPONENTS), key=lambda fit: fit.deviation)
    brought = best.at(float(seen.min())) - best.at(float(seen.max()))
    return best if best.deviation <= min(MOST_DEVIATION * wanted.mean(), brought / 2) else None


def _fit(seen: np.ndarray, wanted: np.ndarray, exponent: float) -> CurveFit:
    powers = seen**-exponent
    scale, floor = np.polyfit(powers / powers.max(), wanted, 1)
    if floor < 0 or scale < 0:  # the best allowed one lies on the border
        floor = 0.0 if floor < 0 else float(wanted.mean())
        unit = powers / powers.max()
        scale = float(unit @ wanted / (unit @ unit)) if floor == 0 else 0.0
    scale = float(scale / powers.max())
    deviation = float(np.sqrt(np.mean((floor + scale * powers - wanted) ** 2)))
    return CurveFit(float(floor), scale, round(exponent, 6), deviation)
