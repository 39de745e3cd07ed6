"""Sums over logged searches, in memory that does not grow with them: how both orders differ, and how long it took."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from resift.rerank.evaluation.changes import rank_biased_overlap
from resift.rerank.experiments.log import MOST_LOGGED, ShownSearch
from resift.rerank.experiments.team_draft import ShownHit

TOP = 10
"""How many first hits are compared."""
QUANTILES = (0.5, 0.95, 0.99)
_STEP = math.log(1.01)  # the bins of durations are 1 % wide
_LEAST = 1e-4  # milliseconds, or a ratio; less counts as this
_MOST_INDICES = 1000  # names of indices that are counted one by one
_NORMAL_975 = 1.959964


@dataclass(slots=True)
class Durations:
    """Positive numbers, such as milliseconds, of which quantiles are known to 0.5 %; the extremes are exact."""

    count: int = 0
    least: float = math.inf
    most: float = 0.0
    _bins: Counter[int] = field(default_factory=Counter)

    def add(self, value: float) -> None:
        """Count a number of 0 or more."""
        self.count += 1
        self.least, self.most = min(self.least, value), max(self.most, value)
        self._bins[math.floor(math.log(max(value, _LEAST)) / _STEP)] += 1

    def quantile(self, share: float) -> float | None:
        """Return the least of the numbers that at least `share` of all do not exceed; None without numbers."""
        wanted, seen = max(1, math.ceil(share * self.count - 1e-9)), 0
        for place in sorted(self._bins):
            seen += self._bins[place]
            if seen >= wanted:
                return min(self.most, max(self.least, math.exp((place + 0.5) * _STEP)))
        return None

    def quantiles(self) -> tuple[float, ...] | None:
        """Return the numbers of `QUANTILES`, or None without numbers."""
        found = [value for share in QUANTILES if (value := self.quantile(share)) is not None]
        return tuple(found) if found else None

    def curve(self, points: int = 100) -> list[tuple[float, float]]:
        """Return (share from 0 to 1, number), in `points` equal steps of the share; empty without numbers."""
        shares = (place / points for place in range(1, points + 1))
        return [(share, value) for share in shares if (value := self.quantile(share)) is not None]


@dataclass(slots=True)
class Differences:
    """How the reranked order differs from the first stage's, over the searches that have both and a hit.

    `overlaps`: searches by how many of the first `TOP` hits are the same, as (same, of how many). `top_changed`:
    searches with another first hit. `rbo`: the sum of the rank-biased overlaps. `moves`: the first `TOP` hits of the
    reranked order by how many ranks they rose. `entered`: those that were not among the logged hits of the first stage.
    """

    searches: int = 0
    top_changed: int = 0
    rbo: float = 0.0
    overlaps: Counter[tuple[int, int]] = field(default_factory=Counter)
    moves: Counter[int] = field(default_factory=Counter)
    entered: int = 0

    def add(self, first_stage: Sequence[str], reranked: Sequence[str]) -> None:
        """Compare two orders of ids, each from its first hit on; nothing is counted if one is empty."""
        before, after = (list(dict.fromkeys(order[:MOST_LOGGED])) for order in (first_stage, reranked))
        depth = min(len(before), len(after))
        if not depth:
            return
        self.searches += 1
        self.top_changed += before[0] != after[0]
        self.rbo += 1.0 if before == after else rank_biased_overlap(before[:depth], after[:depth])
        top = min(TOP, depth)
        self.overlaps[len(set(before[:top]) & set(after[:top])), top] += 1
        there = set(before)
        for rank, doc_id in enumerate(after[:top]):
            if doc_id in there:
                self.moves[before.index(doc_id) - rank] += 1
            else:
                self.entered += 1

    @property
    def mean_overlap(self) -> float | None:
        """The mean share of the first `TOP` hits that are the same; None without searches."""
        total = sum(count * same / top for (same, top), count in self.overlaps.items())
        return total / self.searches if self.searches else None

    def overlap_quantile(self, share: float) -> float | None:
        """Return the least overlap that at least `share` of the searches do not exceed; None without searches."""
        seen = 0
        for overlap, count in self.overlap_histogram():
            seen += count
            if seen >= share * self.searches - 1e-9:
                return overlap
        return None

    def overlap_histogram(self) -> list[tuple[float, int]]:
        """Return (overlap from 0 to 1, searches), from the least overlap on."""
        counts: Counter[float] = Counter()
        for (same, top), count in self.overlaps.items():
            counts[same / top] += count
        return sorted(counts.items())


@dataclass(slots=True)
class ClickRanks:
    """The mean reciprocal ranks of the clicked hits of each search in both orders; `searches` have a click."""

    searches: int = 0
    before: float = 0.0
    after: float = 0.0
    _squares: float = 0.0

    def add(self, search: ShownSearch, clicked: Sequence[ShownHit]) -> None:
        """Count a search by its clicked hits; in an order that does not have a hit, its reciprocal rank is 0."""
        if not clicked:
            return
        before, after = (
            sum(_reciprocal_rank(order, hit.doc_id) for hit in clicked) / len(clicked)
            for order in (search.first_stage, search.reranked)
        )
        self.searches += 1
        self.before += before
        self.after += after
        self._squares += (after - before) ** 2

    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval of the mean difference, by the normal approximation; None below 30 searches."""
        if self.searches < 30:
            return None
        mean = (self.after - self.before) / self.searches
        variance = max(0.0, self._squares / self.searches - mean**2) / (self.searches - 1)
        return mean - _NORMAL_975 * math.sqrt(variance), mean + _NORMAL_975 * math.sqrt(variance)


@dataclass(slots=True)
class KindTally:
    """The searches of one kind: how many by index and by outcome, how both orders differ, times and clicks."""

    searches: int = 0
    empty: int = 0
    unread: int = 0
    indices: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    differences: Differences = field(default_factory=Differences)
    engine_ms: Durations = field(default_factory=Durations)
    rerank_ms: Durations = field(default_factory=Durations)
    ratio: Durations = field(default_factory=Durations)
    clicks: ClickRanks = field(default_factory=ClickRanks)

    def add(self, search: ShownSearch, clicked: Sequence[ShownHit]) -> None:
        """Count a search with the hits of it that were clicked."""
        self.searches += 1
        self.empty += not search.first_stage and not search.unread
        self.unread += search.unread
        _count_name(self.indices, search.index)
        self.outcomes[search.outcome] += 1
        if search.reason:
            _count_name(self.reasons, search.reason)
        if search.engine_ms is not None:
            self.engine_ms.add(search.engine_ms)
        if search.outcome != "reranked":
            return
        if search.rerank_ms is not None:
            self.rerank_ms.add(search.rerank_ms)
            if search.engine_ms:
                self.ratio.add(search.rerank_ms / search.engine_ms)
        self.differences.add(search.first_stage, search.reranked)
        if search.kind != "interleaved":
            self.clicks.add(search, clicked)


def _reciprocal_rank(order: Sequence[str], doc_id: str) -> float:
    return 1.0 / (order.index(doc_id) + 1) if doc_id in order else 0.0


def _count_name(counts: Counter[str], name: str) -> None:
    """Count `name`, or "others" once there are many names, so that memory is limited."""
    counts[name if name in counts or len(counts) < _MOST_INDICES else "others"] += 1
