"""Which fusion applies: that of the settings, else the one that was fitted for the model, else the default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resift.rerank.scorers.own_fusion import DEFAULT_FUSION, OwnFusion
from resift.rerank.settings import MODELS_OWN, RerankSettings

Source = Literal["settings", "model", "default"]
"""Who chose a fusion: the user, the model's own folder, or nobody."""

_SOURCES = {"settings": "as set", "model": "fitted for the model", "default": "the default"}


@dataclass(frozen=True, slots=True)
class Fusion:
    """How the scores of both stages are combined: the kind, the model's weight from 0 to 1, and who chose them.

    The kind "none" is the model alone, with the weight 1.
    """

    kind: str
    weight: float
    source: Source

    @property
    def reason(self) -> str:
        """Who chose it, in words: "as set", "fitted for the model" or "the default"."""
        return _SOURCES[self.source]

    def describe(self, model: str) -> str:
        """Return in a few words what decides the order; `model` is the model's name.

        >>> Fusion("zscore", 0.8, "model").describe("my-model")
        '0.8 my-model + 0.2 first stage (z-scores, fitted for the model)'
        >>> Fusion("none", 1.0, "settings").describe("my-model")
        'my-model alone (as set)'
        """
        source = self.reason
        if self.kind == "none":
            return f"{model} alone ({source})"
        if self.kind == "zscore-read":
            return f"{self.weight:g} {model} x share read + the rest first stage (z-scores, {source})"
        return f"{self.weight:g} {model} + {round(1 - self.weight, 6):g} first stage (z-scores, {source})"

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object: "kind", "weight" and "source"."""
        return {"kind": self.kind, "weight": self.weight, "source": self.source}


def choose_fusion(settings: RerankSettings, own: OwnFusion | None) -> Fusion:
    """Return the fusion that applies to a model with `settings`; `own` is that of its folder, None if it has none.

    What the settings name decides, and the rest is the model's own: a weight alone turns a model that would decide
    alone into a sum with that weight, and a kind alone takes the model's weight if that was fitted for this kind.

    >>> choose_fusion(RerankSettings(fusion_weight=0.7), OwnFusion("none", 1.0))
    Fusion(kind='zscore-read', weight=0.7, source='settings')
    """
    known = own or DEFAULT_FUSION
    kind, weight = settings.fusion, settings.fusion_weight
    if kind == "none":
        return Fusion("none", 1.0, "settings")
    if kind == MODELS_OWN and weight is None:
        return Fusion(known.kind, known.weight, "default" if own is None else "model")
    if kind == MODELS_OWN:
        kind = known.kind if known.kind != "none" else DEFAULT_FUSION.kind
    if weight is None:
        weight = known.weight if known.kind == kind else DEFAULT_FUSION.weight
    return Fusion(kind, weight, "settings")
