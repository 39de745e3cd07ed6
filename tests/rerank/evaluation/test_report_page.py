"""The report of an experiment as a page has the figures, the helped and hurt queries, and the settings."""

from __future__ import annotations

from dataclasses import replace

from resift.rerank.evaluation.experiment import ExperimentResult, Labels, evaluate_set
from resift.rerank.evaluation.page import Heading, Page, Paragraph, Table, to_html, to_markdown
from resift.rerank.evaluation.report_page import report_page
from tests.rerank.evaluation.results import FIRST_STAGE, QRELS, RERANKED, better, unchanged


def rows(page: Page, place: int = 0) -> list[list[str]]:
    tables = [block for block in page.blocks if isinstance(block, Table)]
    return [
        [cell if isinstance(cell, str) else cell.text or cell.details[0] for cell in row] for row in tables[place].rows
    ]


def test_every_measure_has_its_difference_interval_p_value_and_counts() -> None:
    page = report_page(ExperimentResult((better(), unchanged()), "tiny", 50))

    assert rows(page)[2] == [
        "",
        "map",
        "0.5000",
        "1.0000",
        "+0.5000 *",
        "[+0.5000, +0.5000]",
        f"{better().comparisons['map'].p_value:.4f}",
        "8",
        "0",
        "0",
    ]
    assert [row[0] for row in rows(page)] == ["alpha", "", "", "", "beta", "", "", "", "mean", "", "", ""]
    assert [row[4] for row in rows(page)[8:]] == ["+0.1845 *", "+0.2500 *", "+0.2500 *", "+0.0000"]


def test_hurt_and_helped_queries_and_their_ranks_are_in_both_forms() -> None:
    labels = Labels(QRELS, {"q0": "<b>cook</b> soup"}, {"a": "Lentil soup"})
    mixed = {**FIRST_STAGE, "q0": {"a": 2.0, "b": 1.0}}
    result = ExperimentResult((replace(evaluate_set("some", QRELS, RERANKED, mixed), labels=labels),))
    page = report_page(result, worst=2)

    assert rows(page, 1) == [
        ["q1", "1.0000", "0.6309", "1 -> 2, grade 1: a Lentil soup"],
        ["q2", "1.0000", "0.6309", "1 -> 2, grade 1: a Lentil soup"],
    ]
    assert Paragraph("some: no query was helped.") in page.blocks
    for text in (to_html(page), to_markdown(page)):
        assert "Lentil soup" in text
        assert "<b>cook" not in text


def test_settings_and_what_was_not_read_are_in_the_page() -> None:
    page = report_page(ExperimentResult((better(),), "tiny", 50, {"run": "other.trec", "split": None}))

    assert Heading("Settings") in page.blocks
    assert rows(page, 2) == [["mode", "end-to-end"], ["model", "tiny"], ["depth", "50"], ["run", "other.trec"]]
    text = to_markdown(page)
    assert "the given run 'other.trec'" in text
    assert "the end of 3 of 16 scored documents was not read" in text
