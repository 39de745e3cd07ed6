"""The report of an experiment in the terminal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from resift.rerank.evaluation.experiment import COMPARABLE, ExperimentResult, Labels, SetResult, evaluate_set
from resift.rerank.evaluation.measures import MEASURES
from resift.rerank.evaluation.report import per_query_to_json, to_json
from resift.rerank.evaluation.report_table import render
from tests.rerank.evaluation.results import FIRST_STAGE, QRELS, RERANKED, better, unchanged


def shown(result: ExperimentResult, width: int = 80, worst: int = 0) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(render(result, worst))
    return capture.get()


def test_table_shows_each_stage_its_signed_difference_and_what_is_certain() -> None:
    text = shown(ExperimentResult((better(), unchanged()), "tiny", 50))
    lines = [line.split() for line in text.splitlines()]

    assert "alpha 0.6309 -> 1.0000 0.5000 -> 1.0000 0.5000 -> 1.0000 1.0000 -> 1.0000".split() in lines
    assert "8 queries +0.3691 * +0.5000 * +0.5000 * +0.0000".split() in lines
    assert "mean 0.8155 -> 1.0000 0.7500 -> 1.0000 0.7500 -> 1.0000 1.0000 -> 1.0000".split() in lines
    assert "2 sets +0.1845 * +0.2500 * +0.2500 * +0.0000".split() in lines
    assert text.startswith("end-to-end: ") and "\ntiny\ndepth 50\n" in text
    assert "95 %" in text


def test_interval_wins_ties_and_losses_of_each_set_are_shown() -> None:
    mixed = {**FIRST_STAGE, **dict.fromkeys(["q0", "q1", "q2"], {"a": 2.0, "b": 1.0})}
    text = shown(
        ExperimentResult((evaluate_set("some", QRELS, mixed, RERANKED), evaluate_set("worse", QRELS, RERANKED, mixed)))
    )
    rows = [line.split() for line in text.splitlines() if "[" in line]
    # the mean is that of two independent sets: the quantiles of half the difference of two such binomials
    one = stats.binom.pmf(range(9), 8, 5 / 8)
    both = int(np.argmax(np.convolve(one, one[::-1]).cumsum() > 0.025)) - 8
    mean = f"{both / 16 * (1 - 0.63092975):.4f}"
    # five of eight queries gain 0.369; the 2.5 % and 97.5 % quantiles of binomial(8, 5/8) are 2 and 7
    low, high = (f"{number / 8 * (1 - 0.63092975):.4f}" for number in (2, 7))

    assert "set ndcg@10 by 95 % interval wins ties losses".split() in [line.split() for line in text.splitlines()]
    assert rows == [
        ["some", "+0.2307", f"[+{low},", f"+{high}]", "5", "3", "0"],
        ["worse", "-0.2307", f"[-{high},", f"-{low}]", "0", "3", "5"],
        ["mean", "+0.0000", f"[{mean},", f"+{mean[1:]}]", "5", "6", "5"],
    ]


def test_settings_that_determine_the_figures_are_in_the_report_and_both_files() -> None:
    conditions = {"run": "other.trec", "split": "dev", "rank_window_size": 20, "max_length": None}
    result = ExperimentResult((better(),), "tiny", 50, conditions)
    text = shown(result)

    assert text.startswith(
        "end-to-end: the given run 'other.trec', nothing added\ntiny\ndepth 50, window 20, split dev\n"
    )
    assert "our own first stage" not in text
    for content in (to_json(result), per_query_to_json(result)):
        assert {**content, **conditions, "mode": "end-to-end", "model": "tiny", "depth": 50} == content


def test_a_star_of_the_mean_needs_an_interval_that_excludes_0() -> None:
    uncertain = {**FIRST_STAGE, "q0": {"a": 2.0, "b": 1.0}}
    result = ExperimentResult(
        (evaluate_set("up", QRELS, FIRST_STAGE, uncertain), evaluate_set("down", QRELS, uncertain, FIRST_STAGE))
    )
    rows = shown(result).split("mean", 1)[1]

    assert "2 sets +0.0000 +0.0000 +0.0000 +0.0000".split() == rows.splitlines()[1].split()


def test_the_mean_of_one_set_has_the_stars_of_that_set() -> None:
    lines = [line.split() for line in shown(ExperimentResult((better(),))).splitlines()]

    assert "1 set +0.3691 * +0.5000 * +0.5000 * +0.0000".split() in lines


@pytest.mark.parametrize("width", [60, 70, 79])
def test_a_narrow_terminal_gets_a_row_for_each_measure(width: int) -> None:
    text = shown(ExperimentResult((better("NanoQuoraRetrieval-with-a-long-name"), unchanged())), width)
    lines = [line.split() for line in text.splitlines()]

    assert max(map(len, text.splitlines())) <= width
    assert "map 0.5000 -> 1.0000 +0.5000 *".split() in [line[-6:] for line in lines]
    assert "beta ndcg@10 1.0000 -> 1.0000 +0.0000".split() in lines
    assert "…" not in text


def test_one_query_and_one_set_are_in_the_singular() -> None:
    one = evaluate_set("alone", {"q0": {"a": 1}}, {"q0": {"a": 1.0}}, {"q0": {"a": 1.0}})
    text = shown(ExperimentResult((one,)))

    assert "1 query " in text and "1 set " in text


def test_hurt_and_helped_queries_are_listed_with_the_ranks_of_their_judged_documents() -> None:
    labels = Labels(
        {"q0": {"a": 1}, "q1": {"a": 2, "z": 1}, "q2": {"b": 1}, "q3": {"a": 1}},
        {"q0": "cook soup", "q1": "[red] lentils\x1b[31m", "q2": "bowls"},
        {"a": "Lentil soup", "b": "Bowls"},
    )
    first = {query_id: {"a": 1.0, "b": 2.0} for query_id in labels.qrels} | {"q3": {"a": 1.0}}
    after = {query_id: {"a": 2.0, "b": 1.0} for query_id in labels.qrels} | {"q3": {"a": 1.0}}
    result = replace(evaluate_set("small", labels.qrels, first, after), labels=labels)
    text = shown(ExperimentResult((result,)), worst=5)
    hurt, helped = text.split("small: hurt most\n")[1].split("small: helped most\n")

    assert [line.strip() for line in hurt.splitlines() if line.strip()] == [
        "1.0000 -> 0.6309  q2  bowls",
        "1 -> 2, grade 1: b Bowls",
    ]
    assert [line.strip() for line in helped.splitlines() if line.strip()] == [
        "0.6309 -> 1.0000  q0  cook soup",
        "2 -> 1, grade 1: a Lentil soup",
        "0.4796 -> 0.7602  q1  [red] lentils [31m",  # 2 / log2(3), then 2, both over 2 + 1 / log2(3)
        "2 -> 1, grade 2: a Lentil soup",
        "not found, grade 1: z",
    ]
    assert "q3" not in text
    assert "hurt most" in shown(ExperimentResult((result,)), worst=1)
    assert "hurt" not in shown(ExperimentResult((result,)))


def test_a_set_without_a_hurt_query_says_so_and_long_lists_are_cut() -> None:
    qrels = {"q0": {f"d{number}": 1 for number in range(9)}}
    before, after = {"q0": {"x": 2.0, "d3": 1.0}}, {"q0": {"d3": 2.0, "x": 1.0}}
    text = shown(ExperimentResult((evaluate_set("long", qrels, before, after),)), worst=3)

    assert "long: no query was hurt" in text
    assert "2 -> 1, grade 1: d3\n" in text
    assert "and 4 more judged" in text


def test_loss_is_shown_with_its_sign() -> None:
    worse = evaluate_set("worse", QRELS, RERANKED, FIRST_STAGE)

    assert "-0.5000 *" in shown(ExperimentResult((worse,)))


def test_comparable_mode_is_named_and_sets_outside_the_mean_are_marked() -> None:
    inside, outside = replace(better(), mode=COMPARABLE), replace(unchanged(), mode=COMPARABLE, in_mean=False)
    text = shown(ExperimentResult((inside, outside)))

    assert text.startswith("comparable: sentence-transformers' NanoBEIR protocol")
    assert "not in mean" in text
    assert "1 set " in text


def test_table_fits_eighty_columns_and_takes_any_name() -> None:
    text = shown(ExperimentResult((better("NanoQuoraRetrieval-with-a-long-name"), better("[red]"))))

    assert max(map(len, text.splitlines())) <= 80
    assert "[red]" in text
    assert "0.6309 -> 1.0000" in text
    assert "…" not in text


def test_a_difference_that_rounds_to_0_has_no_minus() -> None:
    values = {"q0": {"ndcg@10": 0.5, "mrr@10": 0.5, "map": 0.5, "recall@100": 0.5}}
    less = {"q0": {**values["q0"], "map": 0.49999}}
    text = shown(ExperimentResult((SetResult("close", values, less, ({}, {}), dict.fromkeys(MEASURES, 1.0)),)))
    assert "-0.0000" not in text
    assert "0.5000 -> 0.5000" in text


def test_the_order_of_the_queries_in_a_run_does_not_change_the_comparison() -> None:
    turned = {query_id: RERANKED[query_id] for query_id in reversed(RERANKED)}
    mixed = {**FIRST_STAGE, "q3": {"a": 2.0, "b": 1.0}}
    assert evaluate_set("x", QRELS, mixed, turned).comparisons == evaluate_set("x", QRELS, mixed, RERANKED).comparisons
