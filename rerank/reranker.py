"""Rerank rankings: score the first hits, fuse the scores of both stages, and sort. Only this module reorders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from resift.rerank.fusion import Scale, fuse, weights_by
from resift.rerank.fusion_choice import Fusion, choose_fusion
from resift.rerank.passages import Passage, PassageScores, score_passages
from resift.rerank.promotion import count_promoted
from resift.rerank.scorer import Scorer
from resift.rerank.scorers.own_fusion import OwnFusion
from resift.rerank.settings import RerankSettings
from resift.rerank.template import RenderedText, Template
from resift.rerank.template_budget import cut_of
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Hit, Ranking


@dataclass(frozen=True, slots=True)
class Reranking:
    """The result for one query: the ranking before and after, and what led to it.

    `first_stage`: the ranking before. `ranking`: the ranking after.
    `logits`: the model's raw score of each document that it scored, by doc_id.
    `truncated`: how many of these the model did not read to the end.
    `query_truncated`: whether the end of the query was dropped too, to leave room for a document.
    `lacking`: field name -> how many of the documents that were to be read do not have it, for the template's fields.
    `unread`: how many documents of the window have no text to read; they follow those that the model scored.
    `promoted`: how many of the first hits kept their places above all others, without being scored.
    `html`: how many documents of the window contained HTML that the model did not read.
    `passages`: the part of a document that decided its logit, by doc_id, for those that the model did not read at once.
    `template`: how the texts of the documents were built.
    `scale`: the scale on which the scores of both stages were fused, None if the model alone decided.
    `fusion`: how they were combined, and who chose that; None if no model reranked the query.
    `read`: the share of its text, up to 1, that the model read of each document that it did not read to the end, by id.
    `languages`: the ISO 639 codes of the languages that the model reads by its card; empty if unknown.
    """

    first_stage: Ranking
    ranking: Ranking
    logits: Mapping[str, float]
    truncated: int = 0
    query_truncated: bool = False
    lacking: Mapping[str, int] = field(default_factory=dict)
    unread: int = 0
    promoted: int = 0
    html: int = 0
    passages: Mapping[str, Passage] = field(default_factory=dict)
    template: Template = Template()
    scale: Scale | None = None
    fusion: Fusion | None = None
    read: Mapping[str, float] = field(default_factory=dict)
    languages: tuple[str, ...] = ()

    @classmethod
    def unchanged(cls, ranking: Ranking) -> Reranking:
        """Return the result of a query that was not reranked: `ranking` before and after, without logits."""
        return cls(ranking, ranking, {})

    @property
    def fused(self) -> bool:
        """Whether the scores of `ranking` are fused ones of both stages; else they are the model's logits."""
        return self.scale is not None


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller knows of a ranking and its scores do not show.

    `promoted`: how many of the first hits the search put above all others, such as those that a pinned query named.
    `scale`: the scale on which the ranking is fused, if it is a part of one that was fused before.
    """

    promoted: int = 0
    scale: Scale | None = None


KNOWN_NOTHING = Known()


@dataclass(frozen=True, slots=True)
class Window:
    """The parts of one ranking: promoted hits, hits to score with the text of each, hits without text, and the rest.

    `scale`: the scale on which both stages are fused, None for that of the hits to score.
    """

    ranking: Ranking
    scale: Scale | None
    promoted: Sequence[Hit]
    scored: Sequence[Hit]
    texts: Sequence[RenderedText]
    unread: Sequence[Hit]
    tail: Sequence[Hit]

    @property
    def pairs(self) -> list[tuple[str, RenderedText]]:
        """The pairs to score, in the order of `scored`."""
        return [(self.ranking.query.text, rendered) for rendered in self.texts]

    def only(self, reached: Sequence[int]) -> Window:
        """Return the window in which only the pairs with the indices `reached`, ascending, are scored.

        The other hits keep their order below them, whether they have text or not.
        """
        scored = [self.scored[place] for place in reached]
        placed = {hit.document.doc_id for hit in (*self.promoted, *scored)}
        return replace(
            self,
            scored=scored,
            texts=[self.texts[place] for place in reached],
            unread=(),
            tail=[hit for hit in self.ranking.hits if hit.document.doc_id not in placed],
        )


class Reranker:
    """Reorders rankings by the scores of a scorer."""

    def __init__(self, scorer: Scorer, settings: RerankSettings | None = None) -> None:
        """Use `scorer` with `settings` (the defaults if not given).

        The scores are combined as the settings say, else as the attribute `fusion` of the scorer does, which is read
        from the model's folder. Raises SettingsError if `scorer` is not a scorer, or the template cannot be used, and
        ModelError if the fusion in the model's folder cannot be used.
        """
        if not callable(getattr(scorer, "score", None)):
            raise SettingsError(f"{scorer!r} is not a scorer; expected for example load_scorer('default')", "scorer")
        self.scorer = scorer
        self.settings = settings or RerankSettings()
        self.template = Template(self.settings.template, self.settings.html, cut_of(scorer))
        own = getattr(scorer, "fusion", None)
        self.fusion = choose_fusion(self.settings, own if isinstance(own, OwnFusion) else None)

    def with_settings(self, **changes: Any) -> Reranker:  # noqa: ANN401 - the types are those of the settings
        """Return a reranker with the same scorer, and these settings with `changes`, by name of the setting.

        Raises SettingsError if a value or the template cannot be used, and TypeError if no setting has a name.

        >>> Reranker(scorer).with_settings(rank_window_size=20)  # doctest: +SKIP
        """
        return Reranker(self.scorer, replace(self.settings, **changes))

    def rerank(self, rankings: Sequence[Ranking], known: Sequence[Known] = ()) -> list[Reranking]:
        """Return one reranking per ranking of `rankings`, in the given order; all queries share the scorer's batches.

        The first `rank_window_size` hits are rescored and sorted; later hits keep their order below them. Of a document
        that the model cannot read at once, at most `passages` passages are scored, and the best one decides. Hits of
        the window without text to read are not scored, and keep their order between the two. Promoted hits, if the
        setting `keep_promoted` is on, keep their places above all others and are not scored: those that
        `resift.rerank.promotion.count_promoted` recognizes by their scores, and those in `known`, which has one entry
        per ranking for a caller who knows more than the scores show.
        Raises ModelError if the model cannot score the pairs, or the scorer returns the wrong number of scores, and
        SettingsError if `known` is given and does not have one entry per ranking.
        """
        if known and len(known) != len(rankings):
            raise SettingsError(f"{len(known)} entries for {len(rankings)} rankings; expected one each", "known")
        known = known or [Known()] * len(rankings)
        windows = [self.window(ranking, one) for ranking, one in zip(rankings, known, strict=True)]
        pairs = [pair for window in windows for pair in window.pairs]
        scores = score_passages(self.scorer, pairs, self.settings.passages, self.settings.stride)
        bounds = np.cumsum([0, *(len(window.scored) for window in windows)])
        return [
            self.reorder(window, scores[int(start) : int(stop)])
            for window, start, stop in zip(windows, bounds[:-1], bounds[1:], strict=True)
        ]

    def window(self, ranking: Ranking, known: Known = KNOWN_NOTHING) -> Window:
        """Divide `ranking` into its parts; the `pairs` of the result are what `reorder` needs the scores of.

        `known` is what the caller knows of the ranking and its scores do not show.
        """
        head, tail = ranking.hits[: self.settings.rank_window_size], ranking.hits[self.settings.rank_window_size :]
        kept = 0
        if self.settings.keep_promoted:
            found = count_promoted([hit.score for hit in ranking.hits], ranking.query.text)
            kept = min(max(known.promoted, found), len(head))
        read = [(hit, self.template.read(hit.document)) for hit in head[kept:]]
        return Window(
            ranking=ranking,
            scale=known.scale,
            promoted=head[:kept],
            scored=[hit for hit, rendered in read if rendered.text],
            texts=[rendered for _, rendered in read if rendered.text],
            unread=[hit for hit, rendered in read if not rendered.text],
            tail=tail,
        )

    def reorder(self, window: Window, scored: PassageScores) -> Reranking:
        """Reorder the ranking of `window` by `scored`, the scores of its pairs, fused on its scale or their own."""
        scale, scores, logits = window.scale, scored.scores, scored.scores.logits
        ids = [hit.document.doc_id for hit in window.scored]
        first_stage = np.array([hit.score for hit in window.scored], dtype=np.float64)
        if self.fusion.kind == "none" or not len(logits):
            final, scale = logits, None
        else:
            weights = weights_by(self.fusion.kind, self.fusion.weight, scored.read)
            final = fuse(first_stage, logits, weights, scale)
            scale = scale or Scale.of(first_stage, logits)
        return Reranking(
            first_stage=window.ranking,
            ranking=_ordered(window, [float(score) for score in final]),
            logits={doc_id: float(logit) for doc_id, logit in zip(ids, logits, strict=True)},
            truncated=int(scores.truncated.sum()),
            query_truncated=bool(scores.query_truncated.any()),
            lacking=self.template.lacking(hit.document for hit in [*window.scored, *window.unread]),
            unread=len(window.unread),
            promoted=len(window.promoted),
            html=sum(rendered.html for rendered in window.texts),
            passages={doc_id: part for doc_id, part in zip(ids, scored.passages, strict=True) if part is not None},
            template=self.template,
            scale=scale,
            fusion=self.fusion,
            read={doc_id: float(share) for doc_id, share in zip(ids, scored.read, strict=True) if share < 1.0},
            languages=tuple(getattr(self.scorer, "languages", ())),
        )


def _ordered(window: Window, final: Sequence[float]) -> Ranking:
    """Return the hits of `window` in their new order; `final` are the deciding scores of those that were scored.

    If none was, the order and the scores stay.
    """
    if not final:
        return window.ranking
    # one more or less per rank keeps the other hits in their order, ties included, and above or below the scored ones
    above = [Hit(hit.document, max(final) + 1.0 + step) for step, hit in enumerate(reversed(window.promoted))]
    scored = [Hit(hit.document, score) for hit, score in zip(window.scored, final, strict=True)]
    later = enumerate([*window.unread, *window.tail])
    below = [Hit(hit.document, min(final) - 1.0 - step) for step, hit in later]
    return Ranking.of(window.ranking.query, [*above, *scored, *below])
