"""The result of the gate as values, and as JSON for `resift.json`, for programs and for the card."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resift.rerank.training.gate.verdict import Versus

FIRST_STAGE, MODEL, BASE = "first_stage", "model", "base"
"""The names of the rankings that are compared."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of a dev set was trained on.

    `known`: whether the texts that the model was trained on are known. `queries`: dev queries whose text was trained
    on. `documents`: dev queries with a relevant document that was a relevant one in the training, too. `excluded`: how
    many queries are left out for it.
    """

    known: bool
    queries: int = 0
    documents: int = 0
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class SetVerdict:
    """One dev set: what each ranking reached, and the verdicts.

    `queries`: how many were judged. `resolvable`: those of them on which an order can matter.
    `means`: ranking -> measure -> mean over `queries`; the rankings are "first_stage", "model" and "base", as a search
    serves them, and "model_alone" and "base_alone", by the models' scores alone. `versus`: "base" and "first_stage" ->
    comparison; "base" is missing if there is no base. `described` says how the candidates came about.
    """

    name: str
    queries: int
    resolvable: int
    overlap: Overlap
    means: Mapping[str, Mapping[str, float]]
    versus: Mapping[str, Versus]
    described: str = ""


@dataclass(frozen=True, slots=True)
class GateReport:
    """The verdict on a trained model.

    `passed`: whether the model is promoted by the rule. `forced`: whether the user promotes it all the same.
    `reasons`: why it did not pass, a sentence each. `mean`: rival -> comparison over all sets. `verified`: whether it
    was verified that the queries were not trained on. `notes`: what the reader has to know. `weights`: the key of the
    weights that were judged, see `resift.rerank.training.gate.fingerprint.weights_key`. `unused`: whether the model has
    the weight 0 in its fusion, so that a search serves the first stage's ranking.
    """

    model: str
    base: str | None
    measure: str
    sets: tuple[SetVerdict, ...]
    mean: Mapping[str, Versus]
    verified: bool
    passed: bool = False
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    forced: bool = False
    weights: str = ""
    unused: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def promoted(self) -> bool:
        """True if the model may be promoted: it passed, or the user forced it."""
        return self.passed or self.forced

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON: the value of "gate" in resift.json."""
        return dataclasses.asdict(self)
