"""Votes of interleaved searches: which clicks count, who wins, and when the verdict is sure."""

from __future__ import annotations

import random
from dataclasses import replace

from resift.rerank.experiments.log import ShownSearch
from resift.rerank.experiments.team_draft import ShownHit, draft_id, draft_key, team_draft
from resift.rerank.experiments.votes import Period, VoteResult, Votes
from tests.rerank.experiments.searches import mixed, search


def votes(*clicked: tuple[ShownSearch, str]) -> Votes:
    """Return the votes of searches, each with the ids of the hits that were clicked."""
    found = Votes()
    for one, ids in clicked:
        found.add(one, [hit for hit in one.shown if hit.doc_id in ids])
    return found


def counts(result: VoteResult) -> tuple[int, int, int]:
    return result.wins, result.losses, result.ties


def test_a_search_is_won_by_the_team_with_more_clicks() -> None:
    found = votes((mixed("s1"), "c"), (mixed("s2"), "a"), (mixed("s3"), "ac"), (mixed("s4"), "abc"), (mixed("s5"), ""))
    assert counts(found.result()) == (2, 1, 1)
    assert (found.mixed, found.credited) == (5, 7)
    assert dict(found.positions) == {1: 3, 2: 3, 3: 1}
    assert found.result().delta == (2 + 0.5) / 4 - 0.5


def test_pages_and_repetitions_of_one_mixture_are_one_vote() -> None:
    found = votes((mixed("s1", draft="x"), "c"), (mixed("s2", draft="x"), "c"), (mixed("s3", draft="y"), "a"))
    assert counts(found.result()) == (1, 1, 0)
    assert found.leads.total() == 2


def test_clicks_above_the_first_difference_and_on_hits_of_no_team_are_not_credited() -> None:
    shown = (ShownHit("a", "reranked"), ShownHit("c", "reranked"), ShownHit("b", "first_stage"), ShownHit("z"))
    one = replace(mixed("s1"), first_stage=("a", "b", "c"), reranked=("a", "c", "b"), shown=shown)
    found = votes((one, "az"))
    assert (found.shared, found.outside, found.credited, counts(found.result())) == (1, 1, 0, (0, 0, 0))
    assert found.leads == {"reranked": 1}
    assert counts(votes((one, "ab")).result()) == (0, 1, 0)


def test_a_search_that_was_not_mixed_is_left_out() -> None:
    found = votes((replace(search("s1", "interleaved"), reranked=(), outcome="late"), "a"))
    assert (found.mixed, counts(found.result())) == (0, (0, 0, 0))


def test_without_votes_nothing_can_be_told() -> None:
    result = Votes().result()
    assert (result.verdict, result.share, result.delta, result.p_value) == ("cannot tell", None, None, 1.0)
    assert (result.low, result.high, result.more_searches) == (0.0, 1.0, None)


def test_the_verdict_needs_an_interval_without_one_half() -> None:
    won = votes(*((mixed(f"s{number}"), "c") for number in range(6))).result()
    assert (won.verdict, round(won.low, 3), won.more_searches) == ("helped", 0.541, None)
    lost = votes(*((mixed(f"s{number}"), "a") for number in range(6))).result()
    assert (lost.verdict, round(lost.high, 3)) == ("hurt", 0.459)
    few = votes(*((mixed(f"s{number}"), "c") for number in range(5))).result()
    assert few.verdict == "cannot tell"


def test_the_searches_that_are_still_needed_count_those_without_a_vote() -> None:
    searches = [(mixed(f"s{number}"), "c" if number < 60 else "a" if number < 100 else "") for number in range(1000)]
    result = votes(*searches).result()
    assert (result.share, result.verdict) == (0.6, "cannot tell")
    assert result.more_searches == 940  # 194 votes are needed, 100 of 1,000 searches gave one
    tied = votes((mixed("s1"), "a"), (mixed("s2"), "c")).result()
    assert (tied.share, tied.more_searches) == (0.5, None)


def test_votes_are_counted_by_hour_and_by_day_once_there_are_more_than_three() -> None:
    times = ["2026-01-05T10:20:00Z", "2026-01-05T10:50:00Z", "2026-01-05T23:30:00-02:00"]
    found = votes(*((mixed(f"s{place}", time), "ca"[place % 2]) for place, time in enumerate(times)))
    assert found.periods() == [Period("2026-01-05T10", 1, 1, 0), Period("2026-01-06T01", 1, 0, 0)]
    days = [(mixed(f"s{day}", f"2026-01-0{day}T10:00:00Z"), "c") for day in range(1, 6)]
    assert [one.begin for one in votes(*days).periods()] == [f"2026-01-0{day}" for day in range(1, 6)]


def test_unequal_leads_are_reported_as_unfair() -> None:
    always = votes(*((mixed(f"s{number}"), "") for number in range(50)))
    assert always.unfair()
    assert not Votes().unfair()


def simulate(preference: float, searches: int, seed: int) -> Votes:
    """Return the votes of people who read from the top, and click a relevant hit with a probability of its place."""
    generator = random.Random(seed)
    found = Votes()
    for number in range(searches):
        first = [f"d{place}" for place in range(8)]
        second = generator.sample(first, 8)
        good = second[0] if generator.random() < preference else first[0]
        key = draft_key("shop", f"q{number}")
        shown = tuple(team_draft(first, second, key))
        one = replace(
            mixed(f"s{number}", draft=draft_id(key)), first_stage=tuple(first), reranked=tuple(second), shown=shown
        )
        looked = [hit for place, hit in enumerate(shown, start=1) if generator.random() < 1 / place]
        found.add(one, [hit for hit in looked if hit.doc_id == good or generator.random() < 0.3])
    return found


def test_a_preference_is_found_in_its_direction_and_fair_coins_are_not_reported() -> None:
    helped, hurt, neither = (simulate(preference, 1200, 7) for preference in (0.75, 0.25, 0.5))
    assert helped.result().verdict == "helped"
    assert hurt.result().verdict == "hurt"
    assert neither.result().verdict == "cannot tell"
    assert not any(one.unfair() for one in (helped, hurt, neither))


def test_without_a_preference_about_one_experiment_in_twenty_decides() -> None:
    decided = sum(simulate(0.5, 120, seed).result().verdict != "cannot tell" for seed in range(100))
    assert decided <= 12
