"""A list of candidates becomes a ranking, and a reranking leads back to the positions in the list."""

from __future__ import annotations

import pytest

from resift.rerank.candidates import Candidate, Reranked, from_reranking, to_ranking
from resift.rerank.fusion import Scale
from resift.rerank.reranker import Reranking
from resift.retrieval.types import Document, Hit, Query, Ranking

QUERY = Query("q", "soup")
SCALE = Scale(first_stage=(8.0, 1.0), logits=(0.0, 1.0))


def placed(*scores: float | None) -> list[tuple[int, float]]:
    ranking = to_ranking(QUERY, [Candidate(Document("", f"text {n}"), score) for n, score in enumerate(scores)])
    placed = [(one.position, one.score) for one in from_reranking(Reranking(ranking, ranking, {}))]
    assert [hit.document.text for hit in ranking.hits] == [f"text {position}" for position, _ in placed]
    return placed


def test_scores_decide_the_order() -> None:
    assert placed(1.0, 3.0, 2.0) == [(1, 3.0), (2, 2.0), (0, 1.0)]


def test_equal_scores_keep_the_given_order() -> None:
    assert placed(1.0, 2.0, 1.0, 2.0) == [(1, 2.0), (3, 2.0), (0, 1.0), (2, 1.0)]


def test_many_equal_scores_keep_the_given_order() -> None:
    assert [place for place, _ in placed(*[0.5] * 1200)] == list(range(1200))


def test_candidates_without_scores_keep_the_given_order() -> None:
    assert placed(None, None, None) == [(0, 0.0), (1, -1.0), (2, -2.0)]


def test_no_candidates_give_an_empty_ranking() -> None:
    assert to_ranking(QUERY, []).hits == ()


def test_scores_for_only_some_candidates_are_refused() -> None:
    with pytest.raises(ValueError, match="1 of 2 documents have no score; give one to all or to none"):
        placed(1.0, None)


def test_a_score_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        placed(1.0, float("nan"))


def test_title_and_fields_are_kept() -> None:
    [hit] = to_ranking(QUERY, [Candidate(Document("x", "text", "title", {"lang": "en"}), 1.0)]).hits
    assert (hit.document.title, hit.document.text, hit.document.fields) == ("title", "text", {"lang": "en"})


def test_repeated_ids_from_outside_stay_separate_candidates() -> None:
    ranking = to_ranking(QUERY, [Candidate(Document("same", "a"), 1.0), Candidate(Document("same", "b"), 2.0)])
    assert [hit.document.text for hit in ranking.hits] == ["b", "a"]


def test_a_reranked_candidate_has_its_position_its_score_and_its_logit_if_it_was_in_the_window() -> None:
    first = to_ranking(QUERY, [Candidate(Document("", text), score) for text, score in (("a", 1.0), ("b", 2.0))])
    b, a = (hit.document for hit in first.hits)
    after = Ranking.of(QUERY, [Hit(b, 0.5), Hit(a, -0.5)])
    one, two = from_reranking(Reranking(first, after, {b.doc_id: 7.0}, scale=SCALE))
    assert one.probability == pytest.approx(0.9990889, abs=1e-7)
    assert one == Reranked(1, 0.5, 7.0, one.probability, 0.5)
    assert two == Reranked(0, -0.5, None, unscored="below the window")
