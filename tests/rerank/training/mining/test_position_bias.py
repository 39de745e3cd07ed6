"""Propensities are recovered from simulated clicks, where the raw click rate orders the results wrongly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from resift.rerank.training.mining.clicks.judged import ClickAnchors
from resift.rerank.training.mining.clicks.log import ClickLog
from resift.rerank.training.mining.clicks.position_bias import estimate, inverse_rank, no_bias
from resift.rerank.training.mining.clicks.settings import ClickSettings
from tests.rerank.training.mining.simulated import simulate

TRUE = (1.0, 0.7, 0.5, 0.35, 0.25, 0.2, 0.15, 0.1)


def results(log: ClickLog) -> list[dict[int, list[int]]]:
    return [counts for query in log.queries.values() for counts in query.shown.values()]


@pytest.fixture(scope="module")
def simulated() -> tuple[ClickLog, dict[str, dict[str, float]]]:
    return simulate(TRUE, queries=30, sessions=350)


def test_the_propensities_of_a_log_are_recovered(simulated: tuple[ClickLog, dict[str, dict[str, float]]]) -> None:
    bias = estimate(results(simulated[0]))
    assert bias is not None
    assert bias.measured == frozenset(range(1, 9))
    assert np.abs(np.array(bias.propensities) - TRUE).max() < 0.05


def order(log: ClickLog, truth: dict[str, dict[str, float]], position_bias: str) -> float:
    """Return the mean rank correlation of the true attractiveness with the one that clicks give."""
    anchors = ClickAnchors(log, ClickSettings(position_bias=position_bias))
    found = []
    for text, query in log.queries.items():
        judged = {one.doc_id: one.attractiveness for one in anchors.judge(query)}
        found.append(kendalltau([judged[d] for d in truth[text]], list(truth[text].values())).statistic)
    return float(np.mean(found))


def test_the_true_order_is_found_where_the_raw_click_rate_fails(
    simulated: tuple[ClickLog, dict[str, dict[str, float]]],
) -> None:
    raw, corrected = order(*simulated, "none"), order(*simulated, "estimate")
    assert corrected > 0.8
    assert raw < corrected - 0.25


def test_where_users_look_at_everything_the_estimate_says_so() -> None:
    log, _ = simulate((1.0,) * 5, queries=20, sessions=300)
    bias = estimate(results(log))
    assert bias is not None and min(bias.propensities) > 0.9


def test_without_results_in_several_positions_nothing_can_be_estimated() -> None:
    log, _ = simulate(TRUE, queries=5, sessions=100, swaps=0.0)
    assert estimate(results(log)) is None
    anchors = ClickAnchors(log, ClickSettings())
    assert anchors.bias == inverse_rank(8)
    assert "1/rank is assumed" in anchors.notes[0]


def test_two_positions_by_hand() -> None:
    # 40 of 100 and 20 of 100 clicks; with half a click more on each side: 20.5 and 10.5, as each weight is 50
    bias = estimate([{1: [100, 40], 2: [100, 20]}])
    assert bias is not None
    assert bias.propensities == pytest.approx((1.0, 10.5 / 20.5))


def test_positions_that_were_not_measured_follow_the_power_of_the_rank() -> None:
    shown = [{1: [1000, 500], 2: [1000, 250], 4: [1000, 125]}, {3: [10, 1]}, {8: [10, 0]}]
    bias = estimate(shown)
    assert bias is not None and bias.measured == {1, 2, 4}
    assert bias.at(3) == pytest.approx(1 / 3, rel=0.02)
    assert bias.at(8) == pytest.approx(1 / 8, rel=0.02)
    assert bias.at(99) == bias.at(8)


def test_unrelated_positions_are_not_compared_with_the_first() -> None:
    bias = estimate([{1: [1000, 500], 2: [1000, 250]}, {5: [1000, 500], 6: [1000, 500]}])
    assert bias is not None and bias.measured == {1, 2}


def test_propensities_without_an_estimate() -> None:
    assert inverse_rank(3).propensities == pytest.approx((1.0, 0.5, 1 / 3))
    assert no_bias(2).propensities == (1.0, 1.0)
