"""Count the votes of interleaved searches: whose hits were clicked, and what that says of the two orders."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from resift.rerank.experiments.log import ShownSearch, moment_of
from resift.rerank.experiments.sign_test import share_interval, sign_test, visible_share, votes_needed
from resift.rerank.experiments.team_draft import RERANKED, ShownHit

Verdict = Literal["helped", "hurt", "cannot tell"]

_MOST_DRAWS = 100_000  # mixtures of which it is counted who leads
_FEWEST = 10  # decided votes from which their share says how many more are needed
_UNFAIR = 1e-4  # p-value of the leads below which the coins are reported as unfair


@dataclass(slots=True)
class Vote:
    """The credited clicks of one mixture of two orders, and the hour in which it was first shown, in UTC."""

    hour: str
    reranked: int = 0
    first_stage: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """The votes of an hour or a day, in UTC."""

    begin: str
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True, slots=True)
class VoteResult:
    """What the votes say; `wins` are those of the reranked order, `ties` votes with as many clicks for both.

    `share`: wins among wins and losses, with its exact 95 % interval `low` to `high`. `delta`: (wins + ties / 2) /
    votes - 1/2, from Chapelle, Joachims, Radlinski and Yue (2012), "Large-scale validation and analysis of interleaved
    search evaluation". `p_value`: two-sided, exact sign test. `more_searches`: how many more interleaved searches would
    probably decide if `share` is the true one; None if it is decided, or cannot be computed. `visible`: the share that
    this many votes would distinguish from one half in 4 of 5 experiments.
    """

    wins: int
    losses: int
    ties: int
    share: float | None
    low: float
    high: float
    delta: float | None
    p_value: float
    verdict: Verdict
    more_searches: int | None
    visible: float | None


@dataclass(slots=True)
class Votes:
    """The clicks of interleaved searches. In memory is one `Vote` for each mixture with a credited click.

    All searches with the same coins (`draft_id`) are one vote: pages of one list, and repetitions by the same user,
    are not independent. `mixed`: searches that showed a mixture. `credited`: clicks that count. `shared`: clicks above
    the first difference of both orders, which say nothing about either. `outside`: clicks on hits of no team. `leads`:
    mixtures by the team that had the first place at which the orders differ.
    """

    mixed: int = 0
    credited: int = 0
    shared: int = 0
    outside: int = 0
    leads: Counter[str] = field(default_factory=Counter)
    positions: Counter[int] = field(default_factory=Counter)
    votes: dict[str, Vote] = field(default_factory=dict)
    _drawn: set[int] = field(default_factory=set)

    def add(self, search: ShownSearch, clicked: Sequence[ShownHit]) -> None:
        """Count an interleaved search with the hits of it that were clicked."""
        if not any(hit.team for hit in search.shown):
            return
        self.mixed += 1
        common = _common_length(search.first_stage, search.reranked)
        name = f"{search.index}\n{search.draft_id or search.search_id}"
        self._count_lead(search, common, name)
        above = set(search.first_stage[:common])
        places = {hit.doc_id: place for place, hit in enumerate(search.shown, start=search.first)}
        for hit in clicked:
            if hit.team is None:
                self.outside += 1
            elif hit.doc_id in above:
                self.shared += 1
            else:
                self._credit(search, name, hit, places[hit.doc_id])

    def result(self) -> VoteResult:
        """Return the outcome of all votes."""
        outcomes = Counter(_sign(vote) for vote in self.votes.values())
        wins, losses, ties = outcomes[1], outcomes[-1], outcomes[0]
        decided = wins + losses
        low, high = share_interval(wins, decided)
        verdict: Verdict = "helped" if low > 0.5 else "hurt" if high < 0.5 else "cannot tell"
        share = wins / decided if decided else None
        return VoteResult(
            wins,
            losses,
            ties,
            share,
            low,
            high,
            delta=(wins + ties / 2) / (decided + ties) - 0.5 if decided + ties else None,
            p_value=sign_test(wins, losses),
            verdict=verdict,
            more_searches=self._more(share, decided) if verdict == "cannot tell" else None,
            visible=visible_share(decided),
        )

    def unfair(self) -> bool:
        """Return whether the teams lead so unequally often that fair coins would hardly ever do it."""
        led = self.leads[RERANKED]
        return sign_test(led, self.leads.total() - led) < _UNFAIR

    def periods(self) -> list[Period]:
        """Return the votes of each day, or of each hour if all are within three days, in order."""
        days = {vote.hour[:10] for vote in self.votes.values()}
        width = 10 if len(days) > 3 else 13
        counts: dict[str, Counter[int]] = {}
        for vote in self.votes.values():
            counts.setdefault(vote.hour[:width], Counter())[_sign(vote)] += 1
        return [Period(begin, one[1], one[-1], one[0]) for begin, one in sorted(counts.items())]

    def _credit(self, search: ShownSearch, name: str, hit: ShownHit, position: int) -> None:
        self.credited += 1
        self.positions[position] += 1
        hour = hour_of(search.time)
        vote = self.votes.setdefault(name, Vote(hour))
        vote.hour = min(vote.hour, hour)
        if hit.team == RERANKED:
            vote.reranked += 1
        else:
            vote.first_stage += 1

    def _count_lead(self, search: ShownSearch, common: int, name: str) -> None:
        """Count who has the first place at which the orders differ, if this page shows it, once for each mixture."""
        place = common + 1 - search.first
        if not 0 <= place < len(search.shown) or len(self._drawn) >= _MOST_DRAWS:
            return
        team, drawn = search.shown[place].team, hash(name)
        if (
            team is not None
            and drawn not in self._drawn
            and search.shown[place].doc_id not in search.first_stage[:common]
        ):
            self._drawn.add(drawn)
            self.leads[team] += 1

    def _more(self, share: float | None, decided: int) -> int | None:
        """Return how many more searches are needed at this share and this rate of votes, to two digits, rounded up."""
        needed = None if share is None else votes_needed(share)
        if needed is None or decided < _FEWEST:
            return None
        more = max(1, needed - decided) * self.mixed / decided
        unit = 10.0 ** max(0, math.floor(math.log10(max(1.0, more))) - 1)
        return int(math.ceil(more / unit) * unit)


def hour_of(time: str) -> str:
    """Return the hour of a time, in UTC, such as 2026-01-31T09; a time without a zone is in UTC.

    >>> hour_of("2026-01-31T23:30:00-02:00")
    '2026-02-01T01'
    """
    return moment_of(time).isoformat()[:13]


def _common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Return at how many first places two orders have the same ids."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _sign(vote: Vote) -> int:
    return (vote.reranked > vote.first_stage) - (vote.reranked < vote.first_stage)
