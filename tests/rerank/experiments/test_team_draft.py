"""Team draft: nothing lost, nothing twice, fair prefixes, fair coins, and the same list for the same key."""

from __future__ import annotations

import random

import pytest

from resift.rerank.experiments.team_draft import (
    FIRST_STAGE,
    RERANKED,
    ShownHit,
    Team,
    draft_id,
    draft_key,
    team_draft,
)


def two_orders(seed: int) -> tuple[list[str], list[str]]:
    """Return two orders of 0 to 12 ids, which share some of them."""
    generator = random.Random(seed)
    ids = [f"d{number}" for number in range(16)]
    return generator.sample(ids, generator.randrange(13)), generator.sample(ids, generator.randrange(13))


def slow_draft(first: list[str], second: list[str], leaders: list[Team]) -> list[tuple[str, str]]:
    """Algorithm 2 of Radlinski et al., by sizes of teams and searches in lists; the coin of each round is given."""
    teams: dict[str, list[str]] = {FIRST_STAGE: [], RERANKED: []}
    mixed: list[tuple[str, str]] = []
    coins = iter(leaders)
    while set(first) - {one for one, _ in mixed} and set(second) - {one for one, _ in mixed}:
        sizes = len(teams[FIRST_STAGE]), len(teams[RERANKED])
        if sizes[0] == sizes[1]:
            team: str = next(coins)
        else:
            team = FIRST_STAGE if sizes[0] < sizes[1] else RERANKED
        order = first if team == FIRST_STAGE else second
        doc_id = [one for one in order if one not in [taken for taken, _ in mixed]][0]
        teams[team].append(doc_id)
        mixed.append((doc_id, team))
    for team, order in ((FIRST_STAGE, first), (RERANKED, second)):
        mixed += [(one, team) for one in order if one not in [taken for taken, _ in mixed]]
    return mixed


@pytest.mark.parametrize("seed", range(200))
def test_the_list_has_every_id_once_and_is_what_the_slow_algorithm_makes(seed: int) -> None:
    first, second = two_orders(seed)
    mixed = team_draft(first, second, f"key {seed}")
    assert sorted(hit.doc_id for hit in mixed) == sorted({*first, *second})
    leaders: list[Team] = [hit.team for hit in mixed[::2] if hit.team is not None]  # places 1, 3, … have the coins
    assert slow_draft(first, second, leaders) == [(hit.doc_id, hit.team) for hit in mixed]


@pytest.mark.parametrize("seed", range(50))
def test_the_teams_of_each_prefix_differ_by_one_hit_at_most(seed: int) -> None:
    first = [f"d{number}" for number in range(12)]
    second = random.Random(seed).sample(first, 12)
    teams = [hit.team for hit in team_draft(first, second, str(seed))]
    for length in range(13):
        assert abs(teams[:length].count(RERANKED) - teams[:length].count(FIRST_STAGE)) <= 1


def test_over_many_keys_each_team_leads_half_the_time_in_every_round() -> None:
    first, second = ["a", "b", "c", "d"], ["e", "f", "g", "h"]
    lists = [team_draft(first, second, draft_key("shop", f"query {number}", "user")) for number in range(4000)]
    for place in (0, 2, 4, 6):
        led = sum(mixed[place].team == RERANKED for mixed in lists)
        assert abs(led - 2000) < 160  # five standard deviations
    both = sum(mixed[0].team == mixed[2].team for mixed in lists)
    assert abs(both - 2000) < 160  # the coins of two rounds are independent


def test_the_same_key_gives_the_same_list_and_longer_orders_continue_it() -> None:
    first, second = ["a", "b", "c", "d", "e", "f"], ["f", "a", "c", "b", "e", "d"]
    whole = team_draft(first, second, "k")
    assert whole == team_draft(first, second, "k")
    longer = team_draft([*first, "g", "h"], [*second, "h", "g"], "k")
    assert longer[:6] == whole
    assert {hit.doc_id for hit in longer[6:]} == {"g", "h"}


def test_a_key_is_different_for_different_parts_and_its_id_does_not_show_it() -> None:
    assert len({draft_key("a", "bc"), draft_key("ab", "c"), draft_key("abc"), draft_key("abc", "")}) == 4
    assert draft_id(draft_key("shop", "red soup")) == draft_id(draft_key("shop", "red soup"))
    assert "soup" not in draft_id(draft_key("shop", "red soup"))
    assert draft_id("\ud800") != draft_id("")


def test_an_empty_order_leaves_the_other_one_as_it_is() -> None:
    assert team_draft([], [], "k") == []
    assert team_draft(["a", "b"], [], "k") == [ShownHit("a", FIRST_STAGE), ShownHit("b", FIRST_STAGE)]
    assert team_draft([], ["b", "b"], "k") == [ShownHit("b", RERANKED)]
