"""How two orders differ and how long searches took, from sums alone."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from resift.rerank.experiments.statistics import ClickRanks, Differences, Durations, KindTally
from resift.rerank.experiments.team_draft import ShownHit
from tests.rerank.experiments.searches import search


def test_quantiles_of_durations_are_those_of_numpy_within_half_a_percent() -> None:
    generator = random.Random(5)
    values = [generator.lognormvariate(3, 1) for _ in range(5000)]
    durations = Durations()
    for value in values:
        durations.add(value)
    expected = np.quantile(values, [0.5, 0.95, 0.99], method="inverted_cdf")
    assert durations.quantiles() == pytest.approx(tuple(expected), rel=0.006)
    assert (durations.quantile(0.0), durations.quantile(1.0)) == pytest.approx((min(values), max(values)), rel=0.006)


def test_one_duration_is_known_exactly_and_none_has_no_quantile() -> None:
    durations = Durations()
    assert (durations.quantile(0.5), durations.quantiles(), durations.curve()) == (None, None, [])
    durations.add(0.0)
    assert durations.quantiles() == (0.0, 0.0, 0.0)
    one = Durations()
    one.add(12.3)
    assert one.quantiles() == (12.3, 12.3, 12.3)


def test_overlap_moves_and_the_first_hit_are_counted_on_the_first_ten() -> None:
    found = Differences()
    first = [f"d{number}" for number in range(12)]
    found.add(first, ["d11", *first[:11]])
    assert (found.searches, found.top_changed, found.mean_overlap) == (1, 1, 0.9)
    assert found.moves == {11: 1, -1: 9}
    found.add(first, first)
    assert (found.mean_overlap, found.overlap_histogram()) == (0.95, [(0.9, 1), (1.0, 1)])
    assert (found.overlap_quantile(0.5), found.overlap_quantile(0.51)) == (0.9, 1.0)
    assert 1.0 < found.rbo < 2.0


def test_a_hit_from_below_the_logged_ones_has_no_move() -> None:
    found = Differences()
    found.add(["a", "b"], ["z", "a"])
    assert (found.entered, dict(found.moves), found.mean_overlap) == (1, {-1: 1}, 0.5)


def test_an_empty_order_and_repeated_ids_are_no_error() -> None:
    found = Differences()
    found.add([], ["a"])
    found.add(["a"], [])
    assert (found.searches, found.mean_overlap, found.overlap_quantile(0.5)) == (0, None, None)
    found.add(["a", "a", "b"], ["b", "a", "a"])
    assert (found.mean_overlap, found.rbo) == (1.0, 0.9)


def test_clicks_rank_both_orders_and_hits_that_an_order_lacks_count_zero() -> None:
    ranks = ClickRanks()
    ranks.add(search(), [ShownHit("c")])
    assert (ranks.before, ranks.after) == (1 / 3, 1.0)
    ranks.add(search(), [ShownHit("a"), ShownHit("z")])
    assert (ranks.searches, ranks.before, ranks.after) == (2, 1 / 3 + 0.5, 1.0 + 0.25)
    ranks.add(search(), [])
    assert (ranks.searches, ranks.interval()) == (2, None)
    for _ in range(28):
        ranks.add(search(), [ShownHit("c")])
    low, high = ranks.interval() or (0.0, 0.0)
    mean = (ranks.after - ranks.before) / 30
    changes = [2 / 3, -0.25, *[2 / 3] * 28]
    assert (low, high) == pytest.approx(
        (mean - 1.96 * np.std(changes, ddof=1) / 30**0.5, mean + 1.96 * np.std(changes, ddof=1) / 30**0.5), abs=1e-5
    )


def test_searches_that_were_not_reranked_count_by_outcome_and_not_in_the_times_of_reranking() -> None:
    tally = KindTally()
    tally.add(replace(search(), engine_ms=10.0, rerank_ms=30.0), [])
    tally.add(replace(search(), engine_ms=20.0, rerank_ms=500.0, reranked=(), outcome="late", reason="deadline"), [])
    tally.add(replace(search(), first_stage=(), reranked=(), engine_ms=0.0, rerank_ms=1.0), [])
    tally.add(replace(search(), first_stage=(), reranked=(), outcome="skipped", reason="busy", unread=True), [])
    assert (tally.searches, tally.empty, tally.unread) == (4, 1, 1)
    assert dict(tally.outcomes) == {"reranked": 2, "late": 1, "skipped": 1}
    assert dict(tally.reasons) == {"deadline": 1, "busy": 1}
    assert (tally.engine_ms.count, tally.rerank_ms.most, tally.ratio.quantile(0.5)) == (3, 30.0, 3.0)
    assert tally.differences.searches == 1


def test_the_names_of_indices_are_limited() -> None:
    tally = KindTally()
    for number in range(1200):
        tally.add(replace(search(), index=f"logs-{number}"), [])
    assert (len(tally.indices), tally.indices["others"]) == (1001, 200)
