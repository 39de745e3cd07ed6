"""The length of a training in steps, and the learning rate of each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from resift.rerank.training.distillation.settings import DistillSettings


@dataclass(frozen=True, slots=True)
class Schedule:
    """Warm-up, constant rate and linear cool-down, all in steps.

    The middle has no end of its own, so that a training can be prolonged without a new beginning. Source: Hägele et al.
    2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations".
    """

    steps: int
    warmup: int
    cool_down: int
    peak: float

    @classmethod
    def of(cls, queries: int, settings: DistillSettings) -> Schedule:
        """Return the schedule for so many queries to train on."""
        steps = max(1, math.ceil(settings.epochs * queries / settings.step_groups))
        return cls(steps, round(settings.warmup * steps), round(settings.cool_down * steps), settings.learning_rate)

    def rate(self, step: int) -> float:
        """Return the learning rate of `step`, from 0.

        >>> [Schedule(10, 2, 4, 1.0).rate(step) for step in (0, 1, 5, 6, 9)]
        [0.5, 1.0, 1.0, 1.0, 0.25]
        """
        rising = (step + 1) / self.warmup if self.warmup else 1.0
        falling = (self.steps - step) / self.cool_down if self.cool_down else 1.0
        return self.peak * min(1.0, rising, falling)

    def measured(self, step: int) -> bool:
        """Return whether the held-out queries are scored before `step`: at powers of 2 of the way, and at the end.

        Between two measurements the steps double, as a power law is read on a logarithmic axis.
        """
        points = {0, self.steps, self.steps - self.cool_down}
        points |= {round(self.steps / 2**place) for place in range(1, 7)} | {round(self.steps * 0.75)}
        return step in points
