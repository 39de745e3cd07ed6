"""Fit the kind and the weight of a fusion on both stages' scores of judged queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorers.own_fusion import DEFAULT_FUSION, OwnFusion
from resift.rerank.training.fusion.choice import (
    Choice,
    Validated,
    Values,
    choose_weight,
    cross_validate,
    resampled_intervals,
)
from resift.rerank.training.fusion.fitted import FittedFusion, KindFit, SetCurve, SetFit
from resift.rerank.training.fusion.settings import TuneSettings
from resift.rerank.training.fusion.stage_scores import SetScores
from resift.retrieval.errors import CorpusError

SUMS = ("zscore-read", "zscore")
"""The kinds that are tried, the preferred one first.

They are the same for documents that are read to the end; for others the first one is safer, so that it is taken unless
the second is better. The weight 1 of the second one is the model alone.
"""


def fit_fusion(
    sets: Sequence[SetScores], settings: TuneSettings | None = None, progress: Callable[[int], None] = lambda done: None
) -> FittedFusion:
    """Return the fusion that serves `sets` best; `resift.rerank.training.fusion.choice` has the rule for the weight.

    The preferred kind is taken unless another one is better on held-out queries by more than a standard error. If the
    model does not improve held-out queries, its weight is 0. `progress` is called with the number of kinds that were
    tried. Raises CorpusError if a set has no query, or if the weight changes nothing.
    """
    settings = settings or TuneSettings()
    empty = [one.name for one in sets if not one.queries]
    if empty or not sets:
        raise CorpusError(f"{empty[0] if empty else 'no set'}: no query has a relevant document; nothing can be fitted")
    fits = []
    for kind in SUMS:
        fits.append(_KindValues.of(kind, sets, settings))
        progress(len(fits))
    if all(np.ptp(values, axis=1).max() == 0.0 for one in fits for values in one.sets):
        raise CorpusError("every weight gives the same nDCG@10 for each query; give more judged queries")
    return _conclude(sets, fits, settings)


@dataclass(frozen=True, slots=True, eq=False)
class _KindValues:
    """One kind: the values of each set, what the rule takes of all queries, and what it reaches on held-out ones."""

    kind: str
    sets: tuple[Values, ...]
    choice: Choice
    validated: Validated

    @classmethod
    def of(cls, kind: str, sets: Sequence[SetScores], settings: TuneSettings) -> _KindValues:
        values = tuple(one.ndcg(kind, settings.weights) for one in sets)
        validated = cross_validate(values, settings.tune_folds, settings.tune_repeats)
        return cls(kind, values, choose_weight(values), validated)

    def gain(self) -> tuple[float, float]:
        """Return the mean gain of held-out queries over the first stage, and its standard error."""
        return self.validated.gain_over([values[:, 0] for values in self.sets])

    def summary(self, names: Sequence[str], weights: Sequence[float]) -> KindFit:
        gain, error = self.gain()
        low, high = np.quantile([weights[place] for place in self.validated.places], [0.1, 0.9])
        return KindFit(
            kind=self.kind,
            weight=weights[self.choice.place],
            held_out=float(np.mean([one.mean() for one in self.validated.held_out])),
            gain=gain,
            error=error,
            spread=(float(low), float(high)),
            best=weights[self.choice.best],
            harmed=tuple(names[number] for number in self.choice.harmed),
        )


def _conclude(sets: Sequence[SetScores], fits: Sequence[_KindValues], settings: TuneSettings) -> FittedFusion:
    chosen, reason = _choose_kind(fits)
    names, weights = [one.name for one in sets], settings.weights
    helps = chosen.gain()[0] > 0.0
    kind, place = chosen.kind, chosen.choice.place
    if not helps:
        place, reason = 0, "the model does not improve held-out queries, so that it gets no weight"
    elif chosen.choice.harmed:
        harmed = ", ".join(names[number] for number in chosen.choice.harmed)
        reason += f"; {weights[chosen.choice.best]:g} has the best mean, but puts {harmed} below the first stage"
    alone = kind == "zscore" and weights[place] == 1.0
    return FittedFusion(
        fusion=OwnFusion("none", 1.0) if alone else OwnFusion(kind, weights[place]),
        helps=helps,
        reason=reason,
        weights=weights,
        sets=tuple(_set_fit(number, one, fits, chosen, place) for number, one in enumerate(sets)),
        kinds=tuple(one.summary(names, weights) for one in fits),
        curves=tuple(_curve(one.name, fit.kind, fit.sets[number]) for number, one in enumerate(sets) for fit in fits),
    )


def _choose_kind(fits: Sequence[_KindValues]) -> tuple[_KindValues, str]:
    """Return the kind to use, and why."""
    preferred, *others = fits
    for other in others:
        better, error = other.validated.gain_over(preferred.validated.held_out)
        if better > error and better > 0.0:
            return other, f"{other.kind} is better than {preferred.kind} on held-out queries by {better:.4f}"
    return preferred, f"no other kind is better than {preferred.kind} on held-out queries by more than its error"


def _set_fit(number: int, one: SetScores, fits: Sequence[_KindValues], chosen: _KindValues, place: int) -> SetFit:
    values = chosen.sets[number]
    alone = next(fit for fit in fits if fit.kind == "zscore").sets[number][:, -1]
    held_out = chosen.validated.held_out[number] if place else values[:, 0]
    low, high = resampled_intervals((held_out - values[:, 0])[:, None])[:, 0]
    return SetFit(
        name=one.name,
        queries=len(one.queries),
        first_stage=float(values[:, 0].mean()),
        alone=float(alone.mean()),
        default=float(one.ndcg(DEFAULT_FUSION.kind, [DEFAULT_FUSION.weight]).mean()),
        fused=float(values[:, place].mean()),
        held_out=float(held_out.mean()),
        interval=(float(low), float(high)),
        truncated=one.truncated,
    )


def _curve(name: str, kind: str, values: NDArray[np.float64]) -> SetCurve:
    low, high = resampled_intervals(values)
    return SetCurve(name, kind, *(tuple(map(float, row)) for row in (values.mean(axis=0), low, high)))
