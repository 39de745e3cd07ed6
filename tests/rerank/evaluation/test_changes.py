"""Two orders without judgements: their overlap, the counts, and the most changed queries as a page."""

from __future__ import annotations

import json

import pytest

from resift.rerank.evaluation.changes import Changes, both_orders, rank_biased_overlap
from resift.rerank.evaluation.changes_page import Compared, changes_page, changes_to_json, summary
from resift.rerank.evaluation.page import Heading, Table, to_html
from resift.rerank.reranker import Reranker
from resift.rerank.settings import RerankSettings
from resift.retrieval.types import Document, Hit, Query, Ranking
from tests.rerank.evaluation.stages import Listed, Longest


def ranking(query_id: str, ids: str, text: str = "soup") -> Ranking:
    hits = [
        Hit(Document(doc_id, f"text {doc_id}", f"<b>{doc_id}</b>"), -float(place)) for place, doc_id in enumerate(ids)
    ]
    return Ranking.of(Query(query_id, text), hits)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        # by RankingSimilarity(...).rbo_ext(p=0.9) of the package rbo 0.1.3
        ("abcdefg", 1.0),
        ("bafgced", 0.8004645),
        ("bcavwxy", 0.4773259285714285),
        ("tuvwxyz", 0.0),
    ],
)
def test_the_overlap_is_that_of_the_package_rbo(second: str, expected: float) -> None:
    assert rank_biased_overlap(list("abcdefg"), list(second)) == pytest.approx(expected, abs=1e-12)
    assert rank_biased_overlap(list(second), list("abcdefg")) == pytest.approx(expected, abs=1e-12)


def test_a_change_at_the_top_counts_more_than_one_below() -> None:
    assert rank_biased_overlap(list("abcdef"), list("bacdef")) < rank_biased_overlap(list("abcdef"), list("abcdfe"))


def test_orders_of_different_lengths_are_refused_and_no_hits_are_equal() -> None:
    assert rank_biased_overlap([], []) == 1.0
    with pytest.raises(ValueError, match="same length"):
        rank_biased_overlap(["a"], [])


def test_queries_are_counted_and_the_most_changed_are_kept_in_order() -> None:
    changes = Changes(top=2, keep=2)
    for query_id, before, after in [
        ("same", "abcd", "abcd"),
        ("below", "abcd", "abdc"),
        ("swap", "abcd", "bacd"),
        ("turn", "abcd", "dcba"),
        ("swap again", "abcd", "bacd"),
        ("none", "", ""),
    ]:
        changes.add(ranking(query_id, before), ranking(query_id, after))
    assert [(one.before.query.query_id, one.new) for one in changes.most] == [("turn", 2), ("swap", 0)]
    assert (changes.queries, changes.empty, changes.first_changed, changes.new) == (6, 1, 3, 2)
    assert changes.same - changes.empty == 2
    content = json.loads(json.dumps(changes_to_json(changes, compared())))
    assert content["most_changed"][0]["after"] == ["d", "c"]
    assert (content["count"], content["mean_new"], content["model"]) == (6, 0.4, "tiny")


def compared() -> Compared:
    return Compared(("first stage", "reranked"), {"model": "tiny", "lost": None}, lambda hit, query: hit.document.text)


def test_the_page_has_both_orders_with_moves_and_shows_texts_literally() -> None:
    changes = Changes(top=3, keep=5)
    changes.add(ranking("q1", "abc", "<script>x</script>"), ranking("q1", "cab", "<script>x</script>"))
    page = changes_page(changes, compared())
    [table, settings] = [block for block in page.blocks if isinstance(block, Table)]
    assert [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows] == [
        ["1", "a", "2", "c", "3", "▲2"],
        ["2", "b", "3", "a", "1", "▼1"],
        ["3", "c", "1", "b", "2", "▼1"],
    ]
    assert settings.rows == (("model", "tiny"),)
    assert Heading("1. <script>x</script>") in page.blocks
    assert "<script" not in to_html(page)


def test_equal_orders_and_single_queries_are_named() -> None:
    changes = Changes(top=10, keep=5)
    changes.add(ranking("q1", "ab"), ranking("q1", "ab"))
    lines = list(summary(changes, ("first stage", "reranked")))
    assert lines[0] == "1 query, from first stage to reranked."
    assert lines[-1] == "No query has another order."
    empty = Changes(top=10, keep=5)
    empty.add(ranking("q1", ""), ranking("q1", ""))
    assert list(summary(empty, ("a", "b")))[1] == "1 query matched nothing."


def test_candidates_are_retrieved_once_for_two_models() -> None:
    first_stage = Listed({"q": ["a", "bbb", "cc"]})
    longest = Reranker(Longest(), RerankSettings(fusion="none", template="{text}"))
    [(before, after)] = both_orders([Query("q", "x")], first_stage, (None, longest), 10)
    assert [hit.document.doc_id for hit in before.ranking.hits] == ["a", "bbb", "cc"]
    assert [hit.document.doc_id for hit in after.ranking.hits] == ["bbb", "cc", "a"]
    assert first_stage.calls == 1
