"""The report of an experiment as a page: the verdict, how both orders differ, times, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resift.rerank.evaluation.page import Block, Cell, Heading, Page, Paragraph, Picture, Table, Tone
from resift.rerank.experiments.log import KINDS
from resift.rerank.experiments.pictures import Bar, bar_chart, line_chart
from resift.rerank.experiments.report import ExperimentReport
from resift.rerank.experiments.statistics import QUANTILES, TOP, Durations, KindTally
from resift.rerank.experiments.votes import Period, VoteResult, Votes
from resift.retrieval.text import shorten
from resift.retrieval.wording import counted

_MOST_INDICES = 20
_MOST_REASONS = 5
_MOST_BARS = 60
_FARTHEST = 20  # ranks of a move that have a bar of their own
_TONES: dict[str, Tone] = {"helped": "good", "hurt": "bad", "cannot tell": ""}
_SHOWN_ORDER = {"shadow": "first stage's", "reranked": "reranked"}
_RANKS = ("click reciprocal rank, first stage", "click reciprocal rank, reranked")


def experiment_page(report: ExperimentReport) -> Page:
    """Return the page of `report`."""
    kinds: dict[str, KindTally] = {kind: report.kinds[kind] for kind in KINDS if kind in report.kinds}
    blocks: list[Block] = [Paragraph(_extent(report))]
    if "interleaved" in kinds:
        blocks += _verdict(report.votes, report.clicks is not None)
    if kinds:
        blocks += [Heading("How the orders differ, and how long it took"), _kinds_table(kinds)]
        blocks += _click_remarks(kinds)
        for kind, tally in kinds.items():
            blocks += _pictures(kind, tally)
        blocks += _indices(kinds)
    if notes := list(report.notes()):
        blocks += [Heading("Notes"), *map(Paragraph, notes)]
    return Page("Reranking in live searches", tuple(blocks))


def verdict_sentence(result: VoteResult) -> str:
    """Return in one sentence what the votes say.

    >>> verdict_sentence(Votes().result())
    'cannot tell: no click decides between the two orders.'
    """
    if result.share is None:
        return "cannot tell: no click decides between the two orders."
    of = f"{result.wins:,} of {counted(result.wins + result.losses, 'decided vote')}"
    exact = f"{_percent(result.share)}, 95 % interval {_percent(result.low)} to {_percent(result.high)}"
    return f"{result.verdict}: the reranked order won {of} ({exact}; p {_p_value(result, '= ')})."


def _extent(report: ExperimentReport) -> str:
    where = f" of {report.selection.index}" if report.selection.index is not None else ""
    if report.begin is None or report.end is None:
        return f"No search{where} is in the log yet." if not report.excluded else f"No search{where} is selected."
    begin, end = (f"{moment:%Y-%m-%d %H:%M}" for moment in (report.begin, report.end))
    return f"{counted(report.searches, 'search', 'searches')}{where}, from {begin} to {end} (UTC)."


def _verdict(votes: Votes, has_clicks: bool) -> Iterator[Block]:
    """Yield the verdict on interleaved searches, its figures, and what it does not say."""
    result = votes.result()
    yield Heading("Verdict by clicks on interleaved searches")
    yield Paragraph(verdict_sentence(result))
    if result.more_searches is not None:
        more = counted(result.more_searches, "more interleaved search", "more interleaved searches")
        yield Paragraph(
            f"If this share is the true one, about {more} will decide (two-sided, level 0.05, in 4 of 5 experiments)."
        )
    if result.verdict == "cannot tell" and result.visible is not None:
        yield Paragraph(
            f"This many votes would have shown a true share of {_percent(result.visible)} or more, in 4 of 5 "
            f"experiments."
        )
    if not has_clicks:
        return
    yield _votes_table(votes, result)
    periods = votes.periods()
    if periods:
        title = "Wins (up) and losses (down) of the reranked order over time"
        yield Picture(bar_chart(title, _period_bars(periods), "time (UTC)"), title)
    yield Paragraph(
        "Position bias: a fair coin decides who leads each mixture, so that being looked at first helps both teams "
        "equally; the shares are not those of relevant hits. Decide before the experiment how many searches it takes: "
        "whoever looks every day and stops at the first interval without one half is wrong more often than 1 in 20."
    )


def _votes_table(votes: Votes, result: VoteResult) -> Table:
    leads = ", ".join(f"{team.replace('_', ' ')} {count:,}" for team, count in sorted(votes.leads.items()))
    top = sum(count for place, count in votes.positions.items() if place == 1)
    rows: list[tuple[Cell | str, ...]] = [
        ("verdict", Cell(result.verdict, tone=_TONES[result.verdict])),
        ("votes won, lost, tied by the reranked order", f"{result.wins:,}, {result.losses:,}, {result.ties:,}"),
        ("share of wins without ties", "-" if result.share is None else _percent(result.share)),
        ("its 95 % interval (exact)", f"{_percent(result.low)} to {_percent(result.high)}"),
        ("p, two-sided sign test (exact)", _p_value(result)),
        ("delta: (wins + ties / 2) / votes - 1/2", "-" if result.delta is None else f"{result.delta:+.4f}"),
        ("searches that showed a mixture", f"{votes.mixed:,}"),
        ("who leads at the first difference", leads or "-"),
        ("clicks credited; of these at position 1", f"{votes.credited:,}; {top:,}"),
        ("clicks above the first difference, not credited", f"{votes.shared:,}"),
        ("clicks on hits of no team, not credited", f"{votes.outside:,}"),
    ]
    return Table(("interleaved searches", ""), tuple(rows), numbers=frozenset((1,)))


def _period_bars(periods: Sequence[Period]) -> list[Bar]:
    size = -(-len(periods) // _MOST_BARS)
    groups = [periods[start : start + size] for start in range(0, len(periods), size)]
    return [
        Bar(group[0].begin[5:].replace("T", " ") + ("h" if "T" in group[0].begin else ""), wins, losses)
        for group in groups
        for wins, losses in [(sum(one.wins for one in group), sum(one.losses for one in group))]
    ]


def _kinds_table(kinds: dict[str, KindTally]) -> Table:
    """Return a table with a column for each kind of search, without the rows that no kind has a value for."""
    columns = [_kind_cells(tally) for tally in kinds.values()]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = tuple((name, *(column.get(name, "-") for column in columns)) for name in names)
    return Table(("", *kinds), rows, numbers=frozenset(range(1, len(kinds) + 1)))


def _kind_cells(tally: KindTally) -> dict[str, str]:
    found, total = tally.differences, tally.searches
    cells = {"searches": f"{total:,}"}
    cells |= {
        name: f"{tally.outcomes[name]:,} ({_percent(tally.outcomes[name] / total)})"
        for name in ("reranked", "late", "failed", "skipped")
        if tally.outcomes[name] or name == "reranked"
    }
    if tally.empty:
        cells["without hits"] = f"{tally.empty:,}"
    if tally.unread:
        cells["passed through, hits not read"] = f"{tally.unread:,}"
    if found.searches:
        low, middle, high = (f"{found.overlap_quantile(share) or 0.0:.1f}" for share in (0.1, 0.5, 0.9))
        cells |= {
            "top hit changes": _percent(found.top_changed / found.searches),
            f"overlap of the first {TOP}, mean": f"{found.mean_overlap or 0.0:.3f}",
            "its 10 %, 50 %, 90 % quantiles": f"{low}, {middle}, {high}",
            "rank-biased overlap, mean": f"{found.rbo / found.searches:.3f}",
        }
    parts = (("engine ms", tally.engine_ms), ("rerank ms", tally.rerank_ms), ("rerank / engine", tally.ratio))
    cells |= {f"{name}, {_quantile_names()}": _quantiles(durations) for name, durations in parts if durations.count}
    if tally.clicks.searches:
        means = (tally.clicks.before, tally.clicks.after)
        cells |= {name: f"{total / tally.clicks.searches:.3f}" for name, total in zip(_RANKS, means, strict=True)}
    if tally.reasons:
        reasons = (f"{shorten(one, 60)} ({count:,})" for one, count in tally.reasons.most_common(_MOST_REASONS))
        cells["why not reranked"] = "; ".join(reasons)
    return cells


def _click_remarks(kinds: dict[str, KindTally]) -> Iterator[Block]:
    """Yield for each kind that showed one order what its clicks say, and in which direction they are biased."""
    for kind, tally in kinds.items():
        clicks = tally.clicks
        if not clicks.searches:
            continue
        interval = clicks.interval()
        known = "" if interval is None else f", 95 % interval {interval[0]:+.3f} to {interval[1]:+.3f}"
        yield Paragraph(
            f"{kind}: by the clicks of {counted(clicks.searches, 'search', 'searches')}, the mean reciprocal rank of "
            f"the clicked hits changes by {(clicks.after - clicks.before) / clicks.searches:+.3f}{known}. It is biased "
            f"in favour of the {_SHOWN_ORDER[kind]} order, which was shown: people click what they see first."
        )


def _pictures(kind: str, tally: KindTally) -> Iterator[Block]:
    found = tally.differences
    if found.searches:
        title = f"{kind}: how many of the first {TOP} hits are the same in both orders"
        bars = [Bar(f"{overlap:.0%}", count) for overlap, count in found.overlap_histogram()]
        yield Picture(bar_chart(title, bars[:_MOST_BARS], "overlap"), title)
        title = f"{kind}: by how many ranks the first {TOP} hits of the reranked order rose"
        yield Picture(bar_chart(title, list(_move_bars(tally)), "ranks (negative: fell)"), title)
    lines = {"engine": tally.engine_ms.curve(), "rerank": tally.rerank_ms.curve()}
    lines = {name: line for name, line in lines.items() if line}
    if lines:
        title = f"{kind}: milliseconds that a share of the searches does not exceed"
        yield Picture(line_chart(title, lines, "share of the searches"), title)


def _move_bars(tally: KindTally) -> Iterator[Bar]:
    moves = tally.differences.moves
    low, high = max(-_FARTHEST, min(moves, default=0)), min(_FARTHEST, max(moves, default=0))
    for move in range(low, high + 1):
        count = sum(
            number
            for one, number in moves.items()
            if one == move or (move == low and one < low) or (move == high and one > high)
        )
        beyond = "≤" if move == low == -_FARTHEST else "≥" if move == high == _FARTHEST else ""
        yield Bar(f"{beyond}{move:+d}" if move else "0", count)
    if tally.differences.entered:
        yield Bar("new", tally.differences.entered)


def _indices(kinds: dict[str, KindTally]) -> Iterator[Block]:
    names = dict.fromkeys(name for tally in kinds.values() for name, _ in tally.indices.most_common())
    if len(names) < 2:
        return
    yield Heading("Searches by index")
    rows = [(shorten(name, 80), *(f"{one.indices[name]:,}" for one in kinds.values())) for name in names]
    yield Table(("index", *kinds), tuple(rows[:_MOST_INDICES]), numbers=frozenset(range(1, len(kinds) + 1)))
    if len(rows) > _MOST_INDICES:
        yield Paragraph(f"and {counted(len(rows) - _MOST_INDICES, 'more index', 'more indices')}")


def _quantiles(durations: Durations) -> str:
    return ", ".join(f"{value:.3g}" if value < 1000 else f"{value:,.0f}" for value in durations.quantiles() or ())


def _quantile_names() -> str:
    return ", ".join(f"p{100 * share:g}" for share in QUANTILES)


def _p_value(result: VoteResult, equal: str = "") -> str:
    return f"{equal}{result.p_value:.3g}" if result.p_value >= 1e-9 else "< 1e-9"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
