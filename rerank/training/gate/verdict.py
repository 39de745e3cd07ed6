"""Decide from paired differences whether a model is worse than a rival, and say how much the queries could show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from resift.rerank.evaluation.significance import Comparison, Paired, compare_sets
from resift.rerank.training.gate.settings import GateSettings

Verdict = Literal["better", "not worse", "worse", "undecided"]

_LEVEL = 0.05
_POWER = 1.959964 + 0.841621
"""Sum of the normal quantiles of a two-sided test at 5 % (0.975) and of a power of 80 %."""


@dataclass(frozen=True, slots=True)
class Versus:
    """A trained model compared with one rival over the same n queries.

    `comparison`: after - before, where the rival is before. `queries`: n. `resolvable`: those on which an order can
    matter, because a relevant document is among the candidates, and one that is not. `differing`: those on which the
    values of the two differ. `detectable`: the smallest true difference that n queries like these show with a
    probability of 80 %. `needed`: how many queries would show a loss of the margin with that probability.
    """

    verdict: Verdict
    comparison: Comparison
    queries: int
    resolvable: int
    differing: int
    detectable: float
    needed: int

    @property
    def decided(self) -> bool:
        """True if the queries were enough to decide."""
        return self.verdict != "undecided"


def weigh(sets: Sequence[Paired], resolvable: int, settings: GateSettings) -> Versus:
    """Return the verdict on `sets`, each (rival's values, model's values) of the same queries in the same order.

    Every set has the same weight in the mean. With the 95 % interval of the mean difference (paired bootstrap) and the
    p-value (paired randomization test), see `resift.rerank.evaluation.significance`:

    - worse: the interval is wholly below 0 and p is below 0.05, and the mean loss is more than the tolerance;
    - better: the interval is wholly above 0 and p is below 0.05;
    - not worse: the interval excludes a loss of the margin (a non-inferiority test);
    - undecided: anything else.

    The bootstrap alone is too sure if few queries differ: from four losses among thirty ties it cannot draw a gain.
    With fewer resolvable queries than `gate_queries`, nothing but a loss is believed.
    Raises ValueError if there is no set or one has no queries.
    """
    found = compare_sets(sets)
    count = sum(len(before) for before, _ in sets)
    error = _standard_error(sets)
    spread = error * math.sqrt(count)  # of one query; if the sets have different sizes, of one that stands for them
    return Versus(
        verdict=_verdict(found, resolvable, settings),
        comparison=found,
        queries=count,
        resolvable=resolvable,
        differing=found.wins + found.losses,
        detectable=_POWER * error,
        needed=max(settings.gate_queries, math.ceil((_POWER * spread / settings.gate_margin) ** 2)),
    )


def _verdict(found: Comparison, resolvable: int, settings: GateSettings) -> Verdict:
    certain = found.p_value < _LEVEL
    if certain and found.high < 0.0 and found.difference < -settings.gate_tolerance:
        return "worse"
    if resolvable < settings.gate_queries:
        return "undecided"
    if certain and found.low > 0.0:
        return "better"
    return "not worse" if found.low > -settings.gate_margin else "undecided"


def _standard_error(sets: Sequence[Paired]) -> float:
    """Return the standard error of the mean over sets of the mean difference of each."""
    variances = []
    for before, after in sets:
        differences = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
        variances.append(float(differences.var(ddof=1)) / len(differences) if len(differences) > 1 else 0.0)
    return math.sqrt(sum(variances)) / len(sets)
