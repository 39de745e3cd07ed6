"""Paired tests: their figures in cases with a known result, and compared with scipy's."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from resift.rerank.evaluation.significance import Comparison, compare, compare_sets

VALUES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20)


def test_wins_ties_and_losses_are_counted_by_query() -> None:
    result = compare([0.0, 0.2, 0.5, 0.5, 1.0], [0.5, 0.3, 0.5, 0.5 + 1e-15, 0.9])

    assert (result.wins, result.ties, result.losses) == (2, 2, 1)
    assert result.difference == pytest.approx((0.5 + 0.1 - 0.1) / 5)


def test_equal_stages_have_no_difference() -> None:
    assert compare([0.3, 0.7], [0.3, 0.7]) == Comparison(0.0, 0.0, 0.0, 1.0, 0, 2, 0)


def test_a_gain_on_every_query_is_certain() -> None:
    result = compare([0.1] * 30, [0.2 + 0.01 * query for query in range(30)])

    assert result.certain
    assert 0.0 < result.low < result.difference < result.high
    assert result.p_value == pytest.approx(1 / 10_001)


def test_one_gain_among_many_losses_is_not_certain() -> None:
    result = compare([0.0, 0.5, 0.5, 0.5], [1.0, 0.4, 0.4, 0.4])

    assert not result.certain
    assert result.low < 0.0 < result.high


def test_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    before, after = [0.1, 0.4, 0.3, 0.9, 0.2], [0.3, 0.3, 0.5, 0.8, 0.6]

    assert compare(before, after) == compare(before, after)
    assert compare(before, after, seed=1).p_value != compare(before, after, seed=2).p_value


def test_interval_and_p_value_agree_with_scipy() -> None:
    generator = np.random.default_rng(0)
    before = generator.random(60)
    after = before + generator.normal(0.03, 0.1, 60)
    result = compare(list(before), list(after))
    differences = (after - before,)
    interval = stats.bootstrap(differences, np.mean, n_resamples=10_000, method="percentile", rng=1).confidence_interval
    test = stats.permutation_test(differences, np.mean, permutation_type="samples", n_resamples=10_000, rng=1)

    assert (result.low, result.high) == pytest.approx(tuple(interval), abs=0.002)
    assert result.p_value == pytest.approx(test.pvalue, abs=0.01)


@pytest.mark.parametrize(("before", "after"), [([], []), ([0.1], []), ([0.1], [0.1, 0.2])])
def test_values_that_cannot_be_paired_are_refused(before: list[float], after: list[float]) -> None:
    with pytest.raises(ValueError, match="expected the same number"):
        compare(before, after)


@given(VALUES)
def test_exchanging_the_stages_exchanges_wins_and_losses(values: list[tuple[float, float]]) -> None:
    before, after = [pair[0] for pair in values], [pair[1] for pair in values]
    there, back = compare(before, after, samples=200), compare(after, before, samples=200)

    assert (there.wins, there.ties, there.losses) == (back.losses, back.ties, back.wins)
    assert there.difference == pytest.approx(-back.difference)
    assert there.p_value == back.p_value
    assert there.low <= there.high


def test_the_mean_over_sets_gives_each_set_the_same_weight() -> None:
    small, large = ([0.0, 0.0], [1.0, 1.0]), ([0.5] * 30, [0.5] * 30)
    result = compare_sets([small, large])

    assert (result.difference, result.low, result.high) == (0.5, 0.5, 0.5)
    assert (result.wins, result.ties, result.losses) == (2, 30, 0)
    assert result.p_value == pytest.approx(0.5, abs=0.02)  # two of the four sign patterns are as far from 0


def test_the_interval_of_the_mean_over_sets_agrees_with_scipy() -> None:
    generator = np.random.default_rng(0)
    sizes = (20, 60)
    before = [generator.random(size) for size in sizes]
    after = [one + generator.normal(0.05, 0.1, len(one)) for one in before]
    result = compare_sets([(list(b), list(a)) for b, a in zip(before, after, strict=True)])
    differences = tuple(a - b for b, a in zip(before, after, strict=True))

    def mean_of_means(first: Any, second: Any, axis: int) -> Any:
        return (first.mean(axis=axis) + second.mean(axis=axis)) / 2

    interval = stats.bootstrap(
        differences, mean_of_means, n_resamples=10_000, method="percentile", rng=1
    ).confidence_interval
    assert (result.low, result.high) == pytest.approx(tuple(interval), abs=0.002)


def test_a_comparison_without_sets_is_refused() -> None:
    with pytest.raises(ValueError, match="no set"):
        compare_sets([])
