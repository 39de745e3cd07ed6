"""The exact sign test, intervals and powers, against SciPy and against simulated experiments."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from resift.rerank.experiments.sign_test import (
    binomial_tail,
    share_interval,
    sign_test,
    visible_share,
    votes_needed,
)

COUNTS = [(0, 1), (1, 1), (5, 5), (9, 1), (0, 20), (3, 997), (600, 540), (500_000, 498_000)]


@pytest.mark.parametrize(("wins", "losses"), COUNTS)
def test_p_value_and_interval_are_those_of_scipy(wins: int, losses: int) -> None:
    expected = stats.binomtest(wins, wins + losses)
    assert sign_test(wins, losses) == pytest.approx(expected.pvalue, rel=1e-8)
    limits = expected.proportion_ci()
    assert share_interval(wins, wins + losses) == pytest.approx((limits.low, limits.high), abs=1e-9)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.5, 0.97])
def test_the_tail_of_the_binomial_distribution_is_that_of_scipy(share: float) -> None:
    for count in (1, 7, 400):
        for successes in {0, 1, count // 3, count - 1, count}:
            expected = stats.binom.cdf(successes, count, share)
            assert binomial_tail(successes, count, share) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_without_votes_nothing_is_known() -> None:
    assert sign_test(0, 0) == 1.0
    assert share_interval(0, 0) == (0.0, 1.0)
    assert votes_needed(0.5) is None
    assert visible_share(0) is None


@pytest.mark.parametrize("votes", [1, 5, 6, 7, 20, 101])
def test_the_interval_leaves_out_one_half_when_the_test_is_significant(votes: int) -> None:
    for wins in range(votes + 1):
        low, high = share_interval(wins, votes)
        assert (not low <= 0.5 <= high) == (sign_test(wins, votes - wins) < 0.05)


def test_with_the_needed_votes_four_of_five_experiments_decide() -> None:
    needed = votes_needed(0.55)
    assert needed == 783
    wins = np.random.default_rng(3).binomial(needed, 0.55, size=2000)
    decided = np.mean([sign_test(int(one), needed - int(one)) < 0.05 for one in wins])
    assert 0.75 < decided < 0.84
    assert visible_share(needed) == pytest.approx(0.55, abs=1e-4)
