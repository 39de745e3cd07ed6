"""Smaller batches for models that had too little memory, until they have it again."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

from resift.rerank.service.batching.batch_models import BatchModel

GROWTH_AFTER = 256
"""Batches without a lack of memory after which a reduced budget is doubled, up to its first value."""


@dataclass(slots=True)
class _Reduced:
    first: int
    batches: int = 0


class ReducedBudgets:
    """The budgets of models that were reduced; a model that is not used any more is forgotten."""

    def __init__(self) -> None:
        self._reduced: weakref.WeakKeyDictionary[BatchModel, _Reduced] = weakref.WeakKeyDictionary()

    def reduce(self, model: BatchModel, budget: int) -> None:
        """Limit the batches of `model` to `budget` tokens."""
        first = self._reduced[model].first if model in self._reduced else model.budget
        self._reduced[model] = _Reduced(first)
        model.budget = budget

    def grow(self, model: BatchModel) -> None:
        """Count a batch of `model` that fitted into memory; after `GROWTH_AFTER` of them its budget is doubled."""
        known = self._reduced.get(model)
        if known is None:
            return
        known.batches += 1
        if known.batches >= GROWTH_AFTER:
            model.budget, known.batches = min(known.first, 2 * model.budget), 0
        if model.budget >= known.first:
            del self._reduced[model]
