"""The only place that reorders: take the window, score it, fuse, and order by the one rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from resift.rerank.fusion import fuse
from resift.rerank.scorer import Scorer, Scores
from resift.rerank.template import DEFAULT_TEMPLATE, Template
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.settings import setting
from resift.retrieval.types import Hit, Ranking


@dataclass(frozen=True, slots=True)
class RerankSettings:
    """What is rescored, and what becomes of the first stage's own score."""

    rank_window_size: int = setting(
        100,
        "How many of the first stage's hits the model rescores; the rest keep their order below.",
        flag="window",
    )
    fusion: str = setting(
        "zscore",
        "zscore: weigh the model's and the first stage's z-scores; none: the model alone decides.",
        choices=("zscore", "none"),
    )
    fusion_weight: float = setting(0.5, "The model's share in the zscore fusion, from 0 to 1.")
    template: str = setting(DEFAULT_TEMPLATE, "The text of a document that the model reads, from its fields.")

    def __post_init__(self) -> None:
        """Refuse values that cannot be used."""
        if self.rank_window_size < 0:
            raise SettingsError(f"{self.rank_window_size} is below 0", "window")
        if self.fusion not in ("zscore", "none"):
            raise SettingsError(f"{self.fusion!r} is not known; expected zscore or none", "fusion")
        if not 0.0 <= self.fusion_weight <= 1.0:
            raise SettingsError(f"{self.fusion_weight} is not between 0 and 1", "fusion_weight")


@dataclass(frozen=True, slots=True)
class Reranking:
    """What became of one query: the ranking before, the ranking after, and why.

    `logits` holds the model's raw score of each document in the window, by doc_id.
    `truncated` counts the documents of the window whose end the model could not read.
    `query_truncated` tells whether even the query had to be cut to leave room for a document.
    `lacking` counts the documents of the window without a field, for each field that the template names and one lacks.
    """

    first_stage: Ranking
    ranking: Ranking
    logits: Mapping[str, float]
    truncated: int = 0
    query_truncated: bool = False
    lacking: Mapping[str, int] = field(default_factory=dict)


class Reranker:
    """Reorders rankings by a scorer."""

    def __init__(self, scorer: Scorer, settings: RerankSettings | None = None) -> None:
        """Use `scorer` with `settings` (the defaults where none are given)."""
        self.scorer = scorer
        self.settings = settings or RerankSettings()
        self.template = Template(self.settings.template)

    def rerank(self, rankings: Sequence[Ranking]) -> list[Reranking]:
        """Return each ranking reordered, in the given order; all queries share the scorer's batches.

        The first `rank_window_size` hits are rescored and ordered; later hits keep their order below them.
        Raises ModelError where the scorer does.
        """
        windows = [ranking.hits[: self.settings.rank_window_size] for ranking in rankings]
        pairs = [
            (ranking.query.text, self.template.render(hit.document))
            for ranking, window in zip(rankings, windows, strict=True)
            for hit in window
        ]
        scores = self.scorer.score(pairs)
        if len(scores.logits) != len(pairs):
            raise ModelError(f"the scorer gave {len(scores.logits)} scores for {len(pairs)} pairs; expected one each")
        bounds = np.cumsum([0, *(len(window) for window in windows)])
        return [
            self._reorder(ranking, scores[int(start) : int(stop)])
            for ranking, start, stop in zip(rankings, bounds[:-1], bounds[1:], strict=True)
        ]

    def _reorder(self, ranking: Ranking, scores: Scores) -> Reranking:
        """Order one ranking by `scores`, those of its window."""
        size = len(scores.logits)
        if size == 0:
            return Reranking(ranking, ranking, {})
        window, tail = ranking.hits[:size], ranking.hits[size:]
        final = self._final_scores(window, scores.logits)
        head = [Hit(hit.document, float(score)) for hit, score in zip(window, final, strict=True)]
        floor = min(hit.score for hit in head)
        # a step of 1 a rank keeps the tail's order, ties included, below whatever the window's lowest score is
        below = [Hit(hit.document, floor - 1.0 - step) for step, hit in enumerate(tail)]
        logits = {hit.document.doc_id: float(logit) for hit, logit in zip(window, scores.logits, strict=True)}
        return Reranking(
            first_stage=ranking,
            ranking=Ranking.of(ranking.query, head + below),
            logits=logits,
            truncated=int(scores.truncated.sum()),
            query_truncated=bool(scores.query_truncated.any()),
            lacking=self.template.lacking(hit.document for hit in window),
        )

    def _final_scores(self, window: Sequence[Hit], logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores that decide the order, float32 (n,)."""
        if self.settings.fusion == "none":
            return logits
        first_stage = np.array([hit.score for hit in window], dtype=np.float64)
        return fuse(first_stage, logits, self.settings.fusion_weight)
