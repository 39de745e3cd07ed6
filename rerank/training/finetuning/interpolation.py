"""Keep weights between those of the base and the trained ones, if these are better on the dev set.

A reranker that is trained further on little data gains on what the data is about, and loses elsewhere. On the straight
line between both models there are often weights that are better than either of them: Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, no_grad

SHARES = (0.75, 0.5, 0.25)
"""How far from the base to the trained weights are those that are tried."""

_LEAST = 1e-6  # a difference of the metric that is more than the noise of rounding


@dataclass(frozen=True, slots=True)
class Kept:
    """Which weights were kept: `share` of the way from the base to the trained ones, with its values on the dev sets.

    `values` is empty if the trained weights were kept as they are.
    """

    share: float = 1.0
    values: Mapping[str, float] = field(default_factory=dict)


def interpolate(
    model: Any,  # noqa: ANN401 - sentence-transformers is untyped
    base: Any,  # noqa: ANN401
    evaluate: Callable[[Any], Mapping[str, float]],
    metric: str,
    reached: float,
    progress: Callable[[int], None] = lambda done: None,
) -> Kept:
    """Give `model` the weights on the line from `base` to its own that are best by `metric`, and return which.

    `base` is the model before the training. `evaluate` returns values by name; `reached` is that of `metric` for the
    trained weights, which are kept unless others are better. `progress` is called with the number of weights tried.
    """
    first = base.state_dict()
    last = {name: value.clone() for name, value in model.state_dict().items()}
    best = Kept()
    for done, share in enumerate(SHARES, start=1):
        _set(model, first, last, share)
        values = evaluate(model)
        if values[metric] > reached + _LEAST:
            best, reached = Kept(share, dict(values)), values[metric]
        progress(done)
    _set(model, first, last, best.share)
    return best


@no_grad()
def _set(model: Any, first: Mapping[str, Tensor], last: Mapping[str, Tensor], share: float) -> None:  # noqa: ANN401
    for name, value in model.state_dict().items():
        if value.is_floating_point() and share < 1:
            value.copy_(first[name].to(value.device).lerp(last[name], share))
        else:
            value.copy_(last[name])
