"""The settings of a search's two stages; imports nothing heavy, so that the command line lists them at no cost."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from resift.rerank.scorers.own_fusion import DEFAULT_FUSION, KINDS
from resift.rerank.template import DEFAULT_TEMPLATE
from resift.retrieval.errors import SettingsError
from resift.retrieval.markup import HTML_MODES
from resift.retrieval.settings import setting

MODELS_OWN = "auto"
"""The fusion that the model's own folder names; the z-score sum if it names none."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How many candidates the first stage retrieves."""

    depth: int = setting(100, "How many candidates the first stage returns per query.")

    def __post_init__(self) -> None:
        """Check the depth. Raises SettingsError if it is below 1."""
        if self.depth < 1:
            raise SettingsError(f"{self.depth} is below 1; expected 1 or more", "depth")


@dataclass(frozen=True, slots=True)
class RerankSettings:
    """How many hits are rescored, by which text, and how the scores of the two stages are combined."""

    rank_window_size: int = setting(
        100,
        "How many hits of the first stage the model rescores; later hits keep their order below them.",
        flag="window",
    )
    fusion: str = setting(
        MODELS_OWN,
        "zscore: order by the weighted sum of both stages' z-scores; zscore-read: the same, with less weight for the "
        "model where it read only a part of a document; none: by the model's score alone; auto: as fitted for the "
        f"model, {DEFAULT_FUSION.kind} for a model without it.",
        choices=(MODELS_OWN, *KINDS),
    )
    fusion_weight: float | None = setting(
        None,
        "The weight of the model in the fusion, from 0 to 1; the model's own if not given, else "
        f"{DEFAULT_FUSION.weight:g}.",
    )
    keep_promoted: bool = setting(
        True, "Keep pinned hits, and hits boosted by orders of magnitude, in their places above all others."
    )
    template: str = setting(DEFAULT_TEMPLATE, "The text that the model reads, as a pattern with field names in braces.")
    passages: int = setting(
        1, "Maximum number of passages that the model reads of a long document; the best one decides. 1: the beginning."
    )
    stride: float = setting(0.75, "How far each of these passages begins after the previous one, in passages.")
    html: str = setting(
        "auto",
        "HTML tags in texts: auto removes them from texts that are HTML, strip from all texts, keep from none.",
        choices=HTML_MODES,
    )

    def unbounded(self) -> RerankSettings:
        """Return these settings with a window that no ranking exceeds, so that all hits are rescored."""
        return replace(self, rank_window_size=sys.maxsize)

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        if self.rank_window_size < 0:
            raise SettingsError(f"{self.rank_window_size} is below 0; expected 0 or more", "window")
        if self.fusion not in (MODELS_OWN, *KINDS):
            expected = f"{', '.join((MODELS_OWN, *KINDS[:-1]))} or {KINDS[-1]}"
            raise SettingsError(f"{self.fusion!r} is not known; expected {expected}", "fusion")
        if self.passages < 1:
            raise SettingsError(f"{self.passages} is below 1; expected 1 or more", "passages")
        if not 0.0 < self.stride <= 1.0:
            raise SettingsError(f"{self.stride} is not above 0 and at most 1", "stride")
        if self.html not in HTML_MODES:
            raise SettingsError(f"{self.html!r} is not known; expected auto, strip or keep", "html")
        if self.fusion_weight is not None and not 0.0 <= self.fusion_weight <= 1.0:
            raise SettingsError(f"{self.fusion_weight} is not between 0 and 1", "fusion_weight")
