"""The demo's examples: honest shares, judged answers marked, and a parting question that reranking answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.demo_examples import Outcome, examples, main, shares, side_by_side, to_try


def outcome(query_id: str, before: str, after: str, values: tuple[float, float], grades: dict[str, int]) -> Outcome:
    return Outcome(query_id, f"text of {query_id}", (before.split(), after.split()), grades, values)


OUTCOMES = [
    outcome("q1", "a b", "b a", (0.2, 0.9), {"b": 3}),
    outcome("q2", "a b", "a b", (0.5, 0.5), {"a": 2}),
    outcome("q3", "a b c", "a c b", (0.1, 0.95), {"c": 2, "a": 1}),
    outcome("q4", "b a", "a b", (1.0, 0.4), {"b": 3}),
    outcome("q5", "a b", "b a", (0.3, 0.8), {"b": 2}),
    outcome("q6", "a b", "b a", (0.3, 0.4), {"b": 3}),
    outcome("q7", "", "", (0.0, 0.0), {"b": 1}),
]


def test_the_helped_examples_are_those_whose_first_hit_became_better_and_the_worst_is_shown_too() -> None:
    assert [(why, one.query_id) for why, one in examples(OUTCOMES)] == [
        ("the first hit is better now", "q1"),
        ("another better first hit", "q5"),
        ("the median query", "q6"),
        ("hurt most", "q4"),
    ]
    assert [why for why, _ in examples(OUTCOMES[3:4])] == ["the median query"]


def test_the_shares_count_every_query() -> None:
    assert shares(OUTCOMES).splitlines() == [
        "nDCG@10 of 7 judged queries: helped 4 (57%), equal 2 (29%), hurt 1 (14%).",
        "The first hit has a better grade for 3 of them, a worse one for 1.",
    ]


def test_judged_answers_are_marked_by_their_grade_in_both_orders() -> None:
    long = "a.very.long.name.of.a.function.in.a.package"
    shown = side_by_side(outcome("q", f"a {long}", f"{long} a c", (0.0, 1.0), {long: 3, "c": 1}))
    assert shown.splitlines() == [
        "     BM25                                     reranked",
        "  1      a                                    *** a.very.long.name.of.a.function.in.…",
        "  2  *** a.very.long.name.of.a.function.in.…      a",
        "  3                                           *   c",
        "  4",
    ]


def test_the_question_to_try_is_one_that_reranking_answers_and_that_was_not_shown() -> None:
    shown = [one for _, one in examples(OUTCOMES[:5])]
    tried = to_try(OUTCOMES, shown)
    assert tried is not None and tried.query_id == "q6"
    assert to_try(OUTCOMES[1:2], []) is None


def test_the_examples_are_read_from_the_files_of_an_evaluation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collection, results = tmp_path / "collection", tmp_path / "results"
    (collection / "qrels").mkdir(parents=True)
    (results / "runs").mkdir(parents=True)
    (collection / "queries.jsonl").write_text('{"_id": "q1", "text": "remove a tree"}\n')
    (collection / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\trmtree\t3\n")
    (results / "runs" / "c.first_stage.trec").write_text("q1 Q0 rmdir 1 9.0 x\nq1 Q0 rmtree 2 8.0 x\n")
    (results / "runs" / "c.reranked.trec").write_text("q1 Q0 rmtree 1 1.0 x\nq1 Q0 rmdir 2 0.5 x\n")
    row = {"first_stage": {"ndcg@10": 0.63}, "reranked": {"ndcg@10": 1.0}}
    (results / "per_query.json").write_text(json.dumps({"sets": {"c": {"q1": row}}}))
    main(str(results), str(collection), "resift search bm25:index")
    printed = capsys.readouterr().out
    assert '--- the first hit is better now: "remove a tree", nDCG@10 0.63 -> 1.00' in printed
    assert "  1      rmdir                                *** rmtree" in printed
