"""The rule of the gate on values written by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from resift.rerank.training.gate.page import gate_page, headline
from resift.rerank.training.gate.report import GateReport, Overlap, SetVerdict
from resift.rerank.training.gate.rule import conclude
from resift.rerank.training.gate.settings import GateSettings
from resift.rerank.training.gate.verdict import Verdict, Versus, weigh
from resift.retrieval.errors import SettingsError

SETTINGS = GateSettings()


def weighed(differences: list[float], settings: GateSettings = SETTINGS, resolvable: int | None = None) -> Versus:
    """Compare a rival that has 0.5 for every query with a model that differs so."""
    after = [0.5 + difference for difference in differences]
    count = len(differences) if resolvable is None else resolvable
    return weigh([([0.5] * len(differences), after)], count, settings)


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([0.1, 0.2] * 20, "better"),
        ([-0.1, -0.2] * 20, "worse"),
        ([0.01, -0.01] * 50, "not worse"),
        ([0.0] * 40, "not worse"),
        ([0.4, -0.4] * 20, "undecided"),  # the interval is about ±0.12
        ([-0.001] * 40, "not worse"),  # certain, but within the tolerance
    ],
)
def test_the_interval_of_the_difference_decides(differences: list[float], verdict: Verdict) -> None:
    assert weighed(differences).verdict == verdict


def test_few_queries_cannot_show_that_a_model_is_good_but_can_show_that_it_is_bad() -> None:
    assert weighed([0.1, 0.2] * 5).verdict == "undecided"
    assert weighed([-0.1, -0.2] * 5).verdict == "worse"


def test_four_losses_among_ties_are_no_proof_though_their_bootstrap_interval_is_below_zero() -> None:
    found = weighed([-0.1] * 4 + [0.0] * 26)  # by the sign test p is 2 / 2^4
    assert found.comparison.high < 0
    assert (found.verdict, found.differing) == ("not worse", 4)


def test_queries_whose_order_cannot_matter_do_not_count_as_evidence() -> None:
    assert weighed([0.0] * 500, resolvable=3).verdict == "undecided"


def test_the_needed_queries_are_those_of_the_textbook() -> None:
    differences = list(np.tile([0.2, -0.2], 50))  # standard deviation 0.201 (n - 1)
    found = weighed(differences)
    # n = ((1.96 + 0.8416) * sd / d)^2, of a paired test at 5 % with a power of 80 % (Cohen 1988)
    assert found.needed == pytest.approx(((1.96 + 0.8416) * 0.201 / 0.05) ** 2, abs=1.5)
    assert found.detectable == pytest.approx((1.96 + 0.8416) * 0.201 / 10, abs=1e-4)
    assert (found.queries, found.differing) == (100, 100)


def test_the_detectable_difference_is_found_in_four_of_five_simulated_trials() -> None:
    draw = np.random.default_rng(5)
    detectable = weighed(list(draw.normal(0.0, 0.2, 60))).detectable
    trials = [weighed(list(draw.normal(detectable, 0.2, 60))).comparison.low > 0 for _ in range(30)]
    assert 0.6 < np.mean(trials) < 0.95


def report(versus: dict[str, Versus], verified: bool = True, queries: int = 40) -> GateReport:
    one = SetVerdict("dev", queries, queries, Overlap(verified), {}, versus)
    return GateReport("model", "base", "ndcg@10", (one,), versus, verified)


def test_a_model_that_is_worse_than_one_rival_does_not_pass() -> None:
    found = conclude(report({"base": weighed([-0.1] * 40), "first_stage": weighed([0.1] * 40)}), SETTINGS)
    assert not found.passed
    assert found.reasons == ("dev: worse than its base: ndcg@10 -0.1000 [-0.1000, -0.1000] over 40 queries",)


def test_a_model_that_is_not_significantly_better_passes() -> None:
    same = weighed([0.01, -0.01] * 30)
    assert conclude(report({"base": same, "first_stage": same}), SETTINGS).passed


def test_an_undecided_gate_does_not_pass_and_says_how_many_queries_would_decide() -> None:
    noisy = weighed([0.4, -0.4] * 20)
    found = conclude(report({"base": noisy, "first_stage": weighed([0.1] * 40)}), SETTINGS)
    assert not found.passed
    [reason] = found.reasons
    assert reason.startswith("undecided against its base: ndcg@10 +0.0000")
    assert f"about {noisy.needed} would show a loss of 0.05" in reason


def test_one_decided_set_is_enough_beside_undecided_ones() -> None:
    noisy, sure = weighed([0.4, -0.4] * 20), weighed([0.0] * 40)
    sets = tuple(
        SetVerdict(name, 40, 40, Overlap(True), {}, {"base": one}) for name, one in (("a", noisy), ("b", sure))
    )
    assert conclude(GateReport("m", "b", "ndcg@10", sets, {"base": noisy}, True), SETTINGS).passed


def test_a_model_whose_training_texts_are_not_known_does_not_pass_unless_that_is_not_required() -> None:
    unknown = report({"base": weighed([0.1] * 40)}, verified=False)
    assert "not verified" in conclude(unknown, SETTINGS).reasons[0]
    assert conclude(unknown, GateSettings(gate_record=False)).passed


def test_a_gate_without_any_query_left_does_not_pass() -> None:
    nothing = GateReport("m", "b", "ndcg@10", (SetVerdict("dev", 0, 0, Overlap(True, 5, 0, 5), {}, {}),), {}, True)
    found = conclude(nothing, SETTINGS)
    assert (found.passed, len(found.reasons)) == (False, 1)
    gate_page(found)  # can be shown


def test_a_forced_report_says_so_in_its_first_line() -> None:
    found = conclude(report({"base": weighed([-0.1] * 40)}), SETTINGS)
    assert headline(dataclasses.replace(found, forced=True)).endswith("promoted all the same, because that was forced")


def test_a_margin_below_the_tolerance_is_refused() -> None:
    with pytest.raises(SettingsError, match="gate_margin"):
        GateSettings(gate_margin=0.001)
