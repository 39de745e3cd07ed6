"""Score candidates by a teacher, and decide by its scores which of them may be negatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from resift.rerank.scorer import Scorer
from resift.rerank.training.mining.found import Text
from resift.rerank.training.mining.settings import MineSettings


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which scores a negative of one query may have; None if there is no such bound.

    `logit`: the highest raw logit, by the absolute margin. `relative`: the highest score by the relative margin, and
    `most` and `least`, on the scale of the settings.
    """

    logit: float | None
    relative: float | None
    most: float | None
    least: float | None
    scale: str = "logit"

    def reason(self, logit: float) -> str | None:
        """Return by which bound a candidate with this raw logit is left out; None if it may be a negative."""
        score = on_scale(logit, self.scale)
        if self.logit is not None and logit > self.logit:
            return "absolute margin"
        if self.relative is not None and score > self.relative:
            return "relative margin"
        if self.most is not None and score > self.most:
            return "highest score"
        if self.least is not None and score < self.least:
            return "lowest score"
        return None


class NegativeJudge:
    """A scorer that scores the documents of one query at a time, so that no other query changes a score."""

    def __init__(self, scorer: Scorer, settings: MineSettings) -> None:
        """Score by `scorer`; `settings` have the margins."""
        self._scorer, self._settings = scorer, settings

    def score(self, query: str, texts: Sequence[Text]) -> list[float]:
        """Return the raw logit of each text. Raises ModelError if the model cannot score them."""
        if not texts:
            return []
        return [float(one) for one in self._scorer.score([(query, text.text) for text in texts]).logits]

    def bounds(self, positives: Sequence[float]) -> Bounds:
        """Return the bounds of a query whose positives have these raw logits, at least one.

        As `mine_hard_negatives` of sentence-transformers: a relative margin m leaves a negative at most s - m * |s|
        beside a positive with score s.
        """
        settings = self._settings
        ordered = sorted(positives)
        base = {"lowest": ordered[0], "median": median(ordered), "highest": ordered[-1]}[settings.margin_from]
        scaled = on_scale(base, settings.score_scale)
        share, distance = settings.relative_margin, settings.absolute_margin
        return Bounds(
            None if distance is None else base - distance,
            None if share is None else scaled - share * abs(scaled),
            settings.max_score,
            settings.min_score,
            settings.score_scale,
        )


def on_scale(logit: float, scale: str) -> float:
    """Return a raw logit as it is, or its sigmoid if `scale` is probability.

    >>> on_scale(0.0, "probability")
    0.5
    """
    if scale == "logit":
        return logit
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))
