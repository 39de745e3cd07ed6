"""A fitted fusion and what led to it, as numbers: the curve of each set, and what held-out queries reach."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.scorers.own_fusion import OwnFusion


@dataclass(frozen=True, slots=True)
class SetFit:
    """One set by the fusion that was fitted: means of nDCG@10 over its queries.

    `first_stage`, `alone`, `default`: by the first stage, by the model alone, and by the default fusion. `fused`: by
    the fitted fusion, on the queries that it was fitted on; `held_out`: by cross-validation, on queries that it was
    not fitted on. `interval`: the 95 % interval of the difference of `held_out` from the first stage. `truncated`: the
    share of the texts that the model did not read to the end.
    """

    name: str
    queries: int
    first_stage: float
    alone: float
    default: float
    fused: float
    held_out: float
    interval: tuple[float, float]
    truncated: float


@dataclass(frozen=True, slots=True)
class SetCurve:
    """nDCG@10 of one set by one kind of sum: the mean for each weight, and its 95 % interval."""

    name: str
    kind: str
    means: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class KindFit:
    """One kind of sum: its weight by the rule, and the mean over the sets that held-out queries reach.

    `gain`: the difference of `held_out` from the first stage, and `error` its standard error. `spread`: the 10th and
    the 90th percentile of the weights that the folds took. `best`: the weight with the best mean, and `harmed` the sets
    that it would put below the first stage, so that it was not taken.
    """

    kind: str
    weight: float
    held_out: float
    gain: float
    error: float
    spread: tuple[float, float]
    best: float
    harmed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FittedFusion:
    """A fitted fusion, and what led to it.

    `helps`: whether the model improves held-out queries; if not, its weight is 0. `reason`: why this kind and this
    weight, in one sentence. `weights`: those that were tried. `kinds`: one entry for each kind of sum. `curves`: one
    for each set and kind.
    """

    fusion: OwnFusion
    helps: bool
    reason: str
    weights: tuple[float, ...]
    sets: tuple[SetFit, ...]
    kinds: tuple[KindFit, ...]
    curves: tuple[SetCurve, ...]

    @property
    def queries(self) -> int:
        """The number of queries of all sets."""
        return sum(one.queries for one in self.sets)

    def mean(self, name: str) -> float:
        """Return the mean over the sets of a member of `SetFit`, such as "held_out"."""
        return float(sum(getattr(one, name) for one in self.sets)) / len(self.sets)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as a JSON object."""
        return dataclasses.asdict(self)

    def as_fusion(self, conditions: Mapping[str, object]) -> dict[str, object]:
        """Return the member "fusion" of resift.json: the fusion, on what it was fitted, and under which `conditions`.

        The `ndcg@10` of each set is that of held-out queries.
        """
        sets = {
            one.name: {
                "queries": one.queries,
                "first_stage": round(one.first_stage, 4),
                "alone": round(one.alone, 4),
                "held_out": round(one.held_out, 4),
            }
            for one in self.sets
        }
        return {**self.fusion.as_json(), "fitted": {"ndcg@10": sets, **conditions}}
