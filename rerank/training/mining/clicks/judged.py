"""Judge the results of a query by its clicks, corrected for their positions, and turn the queries into anchors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from resift.rerank.training.mining.anchors import Anchor, Known
from resift.rerank.training.mining.clicks.log import ClickedQuery, ClickLog
from resift.rerank.training.mining.clicks.position_bias import PositionBias, estimate, inverse_rank, no_bias
from resift.rerank.training.mining.clicks.settings import ClickSettings
from resift.retrieval.types import Query

_PRIOR = 2.0  # looks at an average result that each result is credited with, so that one click is not a rate of 1
_UNATTRACTIVE = 0.2  # share of the most attractive result's attractiveness below which a skipped result is negative


@dataclass(frozen=True, slots=True)
class JudgedResult:
    """A result of a query: what was counted, and its `attractiveness`, the click rate if it had been looked at.

    `looks` is the sum of the propensities of its impressions: how often it was probably looked at.
    """

    doc_id: str
    impressions: int
    clicks: int
    skips: int
    looks: float
    attractiveness: float


@dataclass(slots=True)
class ClickAnchors:
    """The queries of a click log with a positive result, as anchors; iterate over them any number of times.

    `bias` are the propensities that were used. `dropped` counts queries and results that were left out, by reason.
    """

    log: ClickLog
    settings: ClickSettings
    bias: PositionBias = field(init=False)
    notes: list[str] = field(init=False)
    dropped: Counter[str] = field(init=False)
    _mean: float = field(init=False)

    def __post_init__(self) -> None:
        """Estimate the position bias, and the mean attractiveness of all results."""
        shown = [counts for query in self.log.queries.values() for counts in query.shown.values()]
        last = max((position for counts in shown for position in counts), default=1)
        self.notes, self.dropped = [], Counter()
        found = None
        if self.settings.position_bias == "none":
            found = no_bias(last)
        elif self.settings.position_bias == "estimate":
            found = estimate(shown)
            if found is None:
                self.notes.append(
                    "too few results were clicked in several positions to estimate the position bias; 1/rank is "
                    "assumed (`position_bias`)"
                )
        self.bias = found or inverse_rank(last)
        looks = sum(self._looks(counts) for counts in shown)
        self._mean = sum(one[1] for counts in shown for one in counts.values()) / looks if looks else 0.0

    def __iter__(self) -> Iterator[Anchor]:
        """Yield the anchors in the order in which the queries first occur in the log."""
        self.dropped = Counter(self.log.dropped)
        for place, query in enumerate(self.log.queries.values(), start=1):
            anchor = self._anchor(f"c{place}", query)
            if anchor is not None:
                yield anchor

    def judge(self, query: ClickedQuery) -> list[JudgedResult]:
        """Return the results of a query, the most attractive first.

        The attractiveness is clicks / looks, each impression weighted by the propensity of its position: the
        maximum-likelihood estimate of the position-based model for small rates, known as clicks over expected clicks;
        its mean is that of inverse propensity weighting, without the variance of single clicks far down. Sources:
        Zhang and Jones 2007, "Comparing click logs and editorial labels for training query rewriting"; Joachims et al.
        2017, section 4, https://doi.org/10.1145/3018661.3018699.
        """
        made = []
        for doc_id, counts in query.shown.items():
            impressions = sum(shown for shown, _ in counts.values())
            clicks, looks = sum(clicked for _, clicked in counts.values()), self._looks(counts)
            rate = min(1.0, (clicks + _PRIOR * self._mean) / (looks + _PRIOR))
            made.append(JudgedResult(doc_id, impressions, clicks, query.skips[doc_id], looks, rate))
        return sorted(made, key=lambda one: (-one.attractiveness, one.doc_id))

    def _looks(self, counts: Mapping[int, list[int]]) -> float:
        """Return how often a result was probably looked at; `counts` is position -> [impressions, clicks]."""
        floor = self.settings.propensity_floor
        return float(sum(shown * max(floor, self.bias.at(position)) for position, (shown, _) in counts.items()))

    def _anchor(self, query_id: str, query: ClickedQuery) -> Anchor | None:
        settings = self.settings
        if query.sessions < settings.min_impressions:
            self.dropped["queries that were searched too rarely"] += 1
            return None
        if not any(clicks for counts in query.shown.values() for _, clicks in counts.values()):
            self.dropped["queries without a click"] += 1
            return None
        judged = self.judge(query)
        best = judged[0].attractiveness
        positives, negatives, unclear = [], [], set()
        for one in judged:
            share = one.attractiveness / best if best else 0.0
            enough = one.clicks >= settings.min_clicks and one.attractiveness > self._mean
            if enough and share >= settings.click_share:
                grade = 2.0 if share >= (1 + settings.click_share) / 2 else 1.0
                positives.append(Known(one.doc_id, grade=grade))
            elif one.skips >= settings.min_skips and share <= _UNATTRACTIVE:
                negatives.append(Known(one.doc_id, grade=0.0, certain=False))
            elif one.clicks:
                unclear.add(one.doc_id)
        self.dropped["results with some clicks, neither positive nor negative"] += len(unclear)
        if not positives:
            self.dropped["queries without a result that was clicked often enough"] += 1
            return None
        return Anchor(Query(query_id, query.text), tuple(positives), tuple(negatives), frozenset(unclear))
