"""A list of candidates becomes a ranking, and its hits lead back to the list."""

from __future__ import annotations

import pytest

from resift.rerank.candidates import Candidate, position, to_ranking
from resift.retrieval.types import Query

QUERY = Query("q", "soup")


def placed(*scores: float | None) -> list[tuple[int, float]]:
    ranking = to_ranking(QUERY, [Candidate(f"text {n}", score=score) for n, score in enumerate(scores)])
    assert [hit.document.text for hit in ranking.hits] == [f"text {position(hit.document)}" for hit in ranking.hits]
    return [(position(hit.document), hit.score) for hit in ranking.hits]


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


def test_a_score_for_some_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of 2 candidates have no score; expected a score for all or none"):
        placed(1.0, None)


def test_a_score_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        placed(1.0, float("nan"))


def test_title_and_fields_are_kept() -> None:
    [hit] = to_ranking(QUERY, [Candidate("text", "title", 1.0, {"lang": "en"})]).hits
    assert (hit.document.title, hit.document.text, hit.document.fields) == ("title", "text", {"lang": "en"})
