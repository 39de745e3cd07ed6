"""Rerank rankings: score the first hits, fuse the scores of both stages, and sort. Only this module reorders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.rerank.fusion import fuse
from resift.rerank.scorer import Scorer, Scores
from resift.rerank.settings import RerankSettings
from resift.rerank.template import Template
from resift.retrieval.errors import ModelError, SettingsError
from resift.retrieval.types import Hit, Ranking


@dataclass(frozen=True, slots=True)
class Reranking:
    """The result for one query: the ranking before and after, and what led to it.

    `first_stage`: the ranking before. `ranking`: the ranking after.
    `logits`: the model's raw score of each document in the window, by doc_id.
    `truncated`: how many documents of the window the model did not read to the end.
    `query_truncated`: whether the end of the query was dropped too, to leave room for a document.
    `lacking`: field name -> how many documents of the window do not have it, for the fields in the template.
    """

    first_stage: Ranking
    ranking: Ranking
    logits: Mapping[str, float]
    truncated: int = 0
    query_truncated: bool = False
    lacking: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def unchanged(cls, ranking: Ranking) -> Reranking:
        """Return the result of a query that was not reranked: `ranking` before and after, without logits."""
        return cls(ranking, ranking, {})


class Reranker:
    """Reorders rankings by the scores of a scorer."""

    def __init__(self, scorer: Scorer, settings: RerankSettings | None = None) -> None:
        """Use `scorer` with `settings` (the defaults if not given).

        Raises SettingsError if `scorer` is not a scorer, or the template cannot be used.
        """
        if not callable(getattr(scorer, "score", None)):
            raise SettingsError(f"{scorer!r} is not a scorer; expected for example load_scorer('default')", "scorer")
        self.scorer = scorer
        self.settings = settings or RerankSettings()
        self.template = Template(self.settings.template)

    def with_settings(self, **changes: Any) -> Reranker:  # noqa: ANN401 - the types are those of the settings
        """Return a reranker with the same scorer, and these settings with `changes`, by name of the setting.

        Raises SettingsError if a value or the template cannot be used, and TypeError if no setting has a name.

        >>> Reranker(scorer).with_settings(rank_window_size=20)  # doctest: +SKIP
        """
        return Reranker(self.scorer, replace(self.settings, **changes))

    def rerank(self, rankings: Sequence[Ranking]) -> list[Reranking]:
        """Return one reranking per ranking of `rankings`, in the given order; all queries share the scorer's batches.

        The first `rank_window_size` hits are rescored and sorted; later hits keep their order below them.
        Raises ModelError if the model cannot score the pairs, or the scorer returns the wrong number of scores.
        """
        windows = [ranking.hits[: self.settings.rank_window_size] for ranking in rankings]
        pairs = [
            (ranking.query.text, self.template.render(hit.document))
            for ranking, window in zip(rankings, windows, strict=True)
            for hit in window
        ]
        scores = self.scorer.score(pairs)
        if len(scores.logits) != len(pairs):
            raise ModelError(
                f"the scorer returned {len(scores.logits)} scores for {len(pairs)} pairs; expected one per pair"
            )
        bounds = np.cumsum([0, *(len(window) for window in windows)])
        return [
            self._reorder(ranking, scores[int(start) : int(stop)])
            for ranking, start, stop in zip(rankings, bounds[:-1], bounds[1:], strict=True)
        ]

    def _reorder(self, ranking: Ranking, scores: Scores) -> Reranking:
        """Reorder one ranking by `scores`, the scores of its window."""
        size = len(scores.logits)
        if size == 0:
            return Reranking.unchanged(ranking)
        window, tail = ranking.hits[:size], ranking.hits[size:]
        final = self._final_scores(window, scores.logits)
        head = [Hit(hit.document, float(score)) for hit, score in zip(window, final, strict=True)]
        floor = min(hit.score for hit in head)
        # one less per rank keeps the tail in its order, ties included, and below the lowest score of the window
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
        """Return the scores to sort the window by, float32 (n,); `logits` is float32 (n,)."""
        if self.settings.fusion == "none":
            return logits
        first_stage = np.array([hit.score for hit in window], dtype=np.float64)
        return fuse(first_stage, logits, self.settings.fusion_weight)
