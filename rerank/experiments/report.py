"""Read logs and clicks once, as streams, and sum up what an experiment shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from resift.rerank.experiments.clicks import Clicks
from resift.rerank.experiments.log import KINDS, OUTCOMES, ShownSearch, moment_of
from resift.rerank.experiments.log_reader import LogProblems, read_searches
from resift.rerank.experiments.statistics import QUANTILES, TOP, Durations, KindTally
from resift.rerank.experiments.votes import Votes
from resift.retrieval.errors import SettingsError
from resift.retrieval.wording import counted

_SPANS = {"d": "days", "h": "hours", "m": "minutes"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which searches count: those of `index`, if it is given, from `since` on."""

    index: str | None = None
    since: datetime | None = None

    def has(self, search: ShownSearch) -> bool:
        """Return whether `search` counts."""
        if self.index is not None and search.index != self.index:
            return False
        return self.since is None or moment_of(search.time) >= self.since


@dataclass(slots=True)
class ExperimentReport:
    """The sums over the searches that count, by kind; the votes of the interleaved ones; and what was left out.

    `begin`, `end`: the first and the last time of a search, in UTC; None without searches. `excluded`: searches of
    other indices, or earlier ones.
    """

    logs: tuple[str, ...]
    selection: Selection
    clicks: Clicks | None = None
    kinds: dict[str, KindTally] = field(default_factory=dict)
    votes: Votes = field(default_factory=Votes)
    begin: datetime | None = None
    end: datetime | None = None
    excluded: int = 0
    problems: list[LogProblems] = field(default_factory=list)

    @property
    def searches(self) -> int:
        """How many searches count."""
        return sum(one.searches for one in self.kinds.values())

    def add(self, search: ShownSearch) -> None:
        """Count a search, if it is one of the selection."""
        if not self.selection.has(search):
            self.excluded += 1
            if self.clicks is not None:
                self.clicks.leave_out(search)
            return
        moment = moment_of(search.time)
        self.begin = moment if self.begin is None else min(self.begin, moment)
        self.end = moment if self.end is None else max(self.end, moment)
        clicked = [] if self.clicks is None else self.clicks.of(search)
        if search.kind not in self.kinds:
            self.kinds[search.kind] = KindTally()
        self.kinds[search.kind].add(search, clicked)
        if search.kind == "interleaved":
            self.votes.add(search, clicked)

    def notes(self) -> Iterator[str]:
        """Yield what a reader of the report must know: what was left out, and what may be wrong."""
        for problems in self.problems:
            yield from problems.notes()
        if self.excluded:
            yield f"{counted(self.excluded, 'search', 'searches')} of other indices, or earlier ones, are left out"
        if self.clicks is not None:
            yield from self.clicks.notes()
        votes = self.votes
        if votes.mixed and self.clicks is None:
            yield "interleaved searches are decided by clicks; name a file of them with `clicks`"
        if votes.unfair():
            led = ", ".join(f"{team} {count:,}" for team, count in sorted(votes.leads.items()))
            yield (
                f"the teams do not lead equally often ({led}): the coins are not fair, or a part of the log is "
                f"missing; do not trust the verdict"
            )
        tally = self.kinds.get("interleaved")
        if tally is not None and tally.outcomes["reranked"] < 0.9 * tally.searches:
            yield "more than a tenth of the interleaved searches were not reranked; the verdict is on the others alone"

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        votes = self.votes
        mixed = None
        if "interleaved" in self.kinds:
            mixed = {
                **dataclasses.asdict(votes.result()),
                "mixed_searches": votes.mixed,
                "credited_clicks": votes.credited,
                "clicks_above_first_difference": votes.shared,
                "clicks_outside_teams": votes.outside,
                "leads": dict(votes.leads),
                "clicks_by_position": {str(place): count for place, count in sorted(votes.positions.items())},
                "over_time": [dataclasses.asdict(one) for one in votes.periods()],
            }
        return {
            "logs": list(self.logs),
            "index": self.selection.index,
            "since": _iso(self.selection.since),
            "begin": _iso(self.begin),
            "end": _iso(self.end),
            "searches": self.searches,
            "excluded": self.excluded,
            "bad_lines": sum(one.bad for one in self.problems),
            "kinds": {kind: _kind_json(self.kinds[kind]) for kind in KINDS if kind in self.kinds},
            "interleaving": mixed,
            "clicks": None if self.clicks is None else _clicks_json(self.clicks),
            "notes": list(self.notes()),
        }


def make_report(
    logs: Sequence[str],
    selection: Selection | None = None,
    clicks: Clicks | None = None,
    progress: Callable[[int], None] | None = None,
) -> ExperimentReport:
    """Return the report of `logs`, each read once; `progress` gets the number of searches so far, now and then.

    Raises CorpusError if a log cannot be opened, or is none.
    """
    report = ExperimentReport(tuple(dict.fromkeys(logs)), selection or Selection(), clicks)
    count = 0
    for path in report.logs:
        problems = LogProblems(path)
        report.problems.append(problems)
        for search in read_searches(path, problems):
            report.add(search)
            count += 1
            if progress is not None and count % 1000 == 0:
                progress(count)
    return report


def read_since(text: str, now: datetime | None = None) -> datetime:
    """Return the time that `text` means: ISO 8601, in UTC unless it says another zone, or 7d, 12h or 30m before now.

    Raises SettingsError.

    >>> read_since("2026-01-31").isoformat()
    '2026-01-31T00:00:00+00:00'
    """
    number, unit = text[:-1], text[-1:]
    try:
        if unit in _SPANS and number.isdecimal() and number.isascii():
            return (now or datetime.now(UTC)) - timedelta(**{_SPANS[unit]: int(number)})
        return moment_of(text)
    except (ValueError, OverflowError):
        expected = "a date or time such as 2026-01-31 or 2026-01-31T09:00, or a span such as 7d, 12h or 30m"
        raise SettingsError(f"{text!r} is not a time; expected {expected}", "since") from None


def _kind_json(tally: KindTally) -> dict[str, Any]:
    found, clicks = tally.differences, tally.clicks
    searches = found.searches or 1
    interval = clicks.interval()
    return {
        "searches": tally.searches,
        "without_hits": tally.empty,
        "hits_not_read": tally.unread,
        "indices": dict(tally.indices.most_common()),
        "outcomes": {name: tally.outcomes[name] for name in OUTCOMES},
        "reasons": dict(tally.reasons.most_common()),
        "compared": found.searches,
        "top_hit_changed": found.top_changed / searches if found.searches else None,
        f"overlap_{TOP}": {
            "mean": found.mean_overlap,
            **{f"p{100 * share:g}": found.overlap_quantile(share) for share in (0.1, 0.5, 0.9)},
            "histogram": [list(one) for one in found.overlap_histogram()],
        },
        "rank_biased_overlap": found.rbo / searches if found.searches else None,
        "moves": {str(move): count for move, count in sorted(found.moves.items())},
        "entered": found.entered,
        "engine_ms": _durations_json(tally.engine_ms),
        "rerank_ms": _durations_json(tally.rerank_ms),
        "rerank_to_engine": _durations_json(tally.ratio),
        "click_reciprocal_rank": {
            "searches": clicks.searches,
            "first_stage": clicks.before / clicks.searches,
            "reranked": clicks.after / clicks.searches,
            "difference_interval_95": None if interval is None else list(interval),
        }
        if clicks.searches
        else None,
    }


def _durations_json(durations: Durations) -> dict[str, float] | None:
    found = durations.quantiles()
    if found is None:
        return None
    names = (f"p{100 * share:g}" for share in QUANTILES)
    return {**{name: float(f"{value:.4g}") for name, value in zip(names, found, strict=True)}, "max": durations.most}


def _clicks_json(clicks: Clicks) -> dict[str, int]:
    return {
        "read": clicks.read,
        "duplicates": clicks.duplicates,
        "unknown_search": clicks.unknown,
        "not_shown": clicks.not_shown,
        "not_read": clicks.not_read,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
