"""Zeros that are caused by ids that do not match are reported; others are not."""

from __future__ import annotations

from resift.rerank.evaluation.mismatches import find_mismatches


def test_matching_ids_give_no_lines() -> None:
    assert find_mismatches({"q1": {"d1": 1, "d2": 0}}, {"q1", "unjudged"}, {"q1": {"d2": 2.0, "x": 1.0}}) == []


def test_judged_queries_that_are_not_among_the_queries_are_counted() -> None:
    qrels = {"q1": {"d1": 1}, "q2": {"d1": 1}, "q3": {"d1": 1}}
    assert find_mismatches(qrels, {"q1"}, {"q1": {"d1": 2.0}}) == [
        "2 of the 3 judged queries are not among the queries and count 0"
    ]


def test_judged_queries_that_are_missing_from_a_run_or_have_no_hits_are_counted() -> None:
    qrels = {"q1": {"d1": 1}, "q2": {"d1": 1}}
    assert find_mismatches(qrels, {"q1", "q2"}, {"q1": {"d1": 2.0}}, given=True) == [
        "1 of the 2 judged queries is not in the run and counts 0"
    ]
    assert find_mismatches(qrels, {"q1", "q2"}, {"q1": {"d1": 2.0}, "q2": {}}) == [
        "1 of the 2 judged queries is without any hit and counts 0"
    ]


def test_judged_documents_that_are_never_found_are_reported_with_both_ids() -> None:
    [line] = find_mismatches(
        {"q1": {"MED-1": 1}, "q2": {"MED-2": 1}}, {"q1", "q2"}, {"q1": {"1": 2.0}, "q2": {"2": 1.0}}
    )
    assert line.startswith("none of the judged documents was found")
    assert "'MED-1'" in line and "'1'" in line and "index" in line


def test_a_document_that_is_judged_only_for_another_query_counts_as_not_found() -> None:
    assert (
        len(find_mismatches({"q1": {"a": 1}, "q2": {"b": 1}}, {"q1", "q2"}, {"q1": {"b": 1.0}, "q2": {"a": 1.0}})) == 1
    )


def test_one_judged_document_that_is_found_is_enough() -> None:
    assert find_mismatches({"q1": {"a": 1}, "q2": {"b": 1}}, {"q1", "q2"}, {"q1": {"a": 1.0}, "q2": {"x": 1.0}}) == []


def test_judged_queries_without_a_relevant_judgement_are_counted() -> None:
    qrels = {"q1": {"a": 0, "b": -1}, "q2": {"b": 1, "c": 0}, "q3": {"c": 0}}
    run = {"q1": {"a": 1.0}, "q2": {"b": 1.0}, "q3": {"c": 1.0}}

    assert find_mismatches(qrels, qrels.keys(), run) == [
        "2 of the 3 judged queries are without a relevant judgement (of grade 1 or more) and count 0"
    ]
    assert find_mismatches({"q3": {"c": 0}}, {"q3"}, {"q3": {"c": 1.0}}) == [
        "1 of the 1 judged query is without a relevant judgement (of grade 1 or more) and counts 0"
    ]


def test_counts_have_separators_of_thousands() -> None:
    qrels = {f"q{number}": {"a": 0} for number in range(2400)}

    [line] = find_mismatches(qrels, qrels.keys(), dict.fromkeys(qrels, {"a": 1.0}))

    assert line.startswith("2,400 of the 2,400 judged queries are")
