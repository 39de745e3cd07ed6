import dataclasses
import math

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.retrieval.types import Document, Hit, Query, Ranking, from_run, to_run

IDS = st.text(alphabet="abAB01é中", min_size=1, max_size=3)
SCORES = st.one_of(st.integers(-3, 3).map(float), st.floats(allow_nan=False, width=32))


def ranked(*pairs: tuple[str, float]) -> list[tuple[str, float]]:
    ranking = Ranking.of(Query("q", "x"), [Hit(Document(doc_id, "t"), score) for doc_id, score in pairs])
    return [(hit.document.doc_id, hit.score) for hit in ranking.hits]


def test_higher_score_comes_first_and_of_equal_scores_the_greater_id() -> None:
    assert ranked(("a", 1.0), ("c", 2.0), ("b", 1.0), ("10", 1.0), ("9", 1.0)) == [
        ("c", 2.0),
        ("b", 1.0),
        ("a", 1.0),
        ("9", 1.0),
        ("10", 1.0),
    ]


def test_minus_zero_ties_with_zero() -> None:
    assert [doc_id for doc_id, _ in ranked(("a", 0.0), ("b", -0.0))] == ["b", "a"]
    assert [doc_id for doc_id, _ in ranked(("a", -0.0), ("b", 0.0))] == ["b", "a"]


def test_infinite_scores_are_ordered_as_any_others() -> None:
    assert ranked(("low", -math.inf), ("mid", 0.0), ("high", math.inf)) == [
        ("high", math.inf),
        ("mid", 0.0),
        ("low", -math.inf),
    ]


@given(st.dictionaries(IDS, SCORES, max_size=8), st.randoms(use_true_random=False))
def test_order_of_a_ranking_does_not_depend_on_the_order_of_its_hits(scores: dict[str, float], random: object) -> None:
    pairs = list(scores.items())
    shuffled = sorted(pairs, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert ranked(*shuffled) == ranked(*pairs)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 2).map(float), min_size=1))
def test_order_is_that_of_trec_eval(scores: dict[str, float]) -> None:
    order = [doc_id for doc_id, _ in ranked(*scores.items())]
    for rank, doc_id in enumerate(order, start=1):
        [measured] = ir_measures.pytrec_eval.iter_calc([ir_measures.RR], {"q": {doc_id: 1}}, {"q": scores})
        assert measured.value == pytest.approx(1 / rank)


@pytest.mark.parametrize("scores", [[math.nan], [1.0, math.nan], [math.nan, 1.0, 2.0]])
def test_nan_score_is_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="query 'q': a score is NaN"):
        ranked(*((str(place), score) for place, score in enumerate(scores)))


@pytest.mark.parametrize("second", [1.0, 2.0])
def test_document_given_twice_is_refused(second: float) -> None:
    with pytest.raises(ValueError, match="query 'q': a document is in the ranking twice"):
        ranked(("a", 1.0), ("b", 0.0), ("a", second))


def test_query_without_hits_is_a_ranking_and_keeps_its_entry_in_the_run() -> None:
    full = Ranking.of(Query("1", "x"), [Hit(Document("a", "t"), 1.0), Hit(Document("b", "t"), 3.0)])
    assert to_run([full, Ranking.of(Query("2", "y"), [])]) == {"1": {"b": 3.0, "a": 1.0}, "2": {}}


def test_a_run_has_the_same_rankings_as_it_was_made_from_without_their_texts() -> None:
    run = {"1": {"a": 1.0, "b": 3.0, "c": 1.0}, "2": {}}
    first, second = from_run(run)
    assert [(hit.document, hit.score) for hit in first.hits] == [
        (Document("b", ""), 3.0),
        (Document("c", ""), 1.0),
        (Document("a", ""), 1.0),
    ]
    assert (first.query, second) == (Query("1", ""), Ranking(Query("2", ""), ()))
    assert to_run([first, second]) == run


def test_a_run_is_read_for_the_given_queries_with_the_given_documents() -> None:
    known = Document("a", "text", "title")
    rankings = from_run(
        {"1": {"a": 1.0, "gone": 2.0}, "other": {"a": 1.0}}, [Query("2", "y"), Query("1", "x")], {"a": known}
    )
    assert rankings == [
        Ranking(Query("2", "y"), ()),
        Ranking(Query("1", "x"), (Hit(Document("gone", ""), 2.0), Hit(known, 1.0))),
    ]


def test_top_keeps_the_first_hits_and_the_query() -> None:
    ranking = Ranking.of(
        Query("q", "x"),
        [Hit(Document(doc_id, "t"), score) for doc_id, score in zip("abc", (1.0, 3.0, 2.0), strict=True)],
    )
    assert [hit.document.doc_id for hit in ranking.top(2).hits] == ["b", "c"]
    assert ranking.top(9) == ranking
    assert ranking.top(0).hits == ()
    assert ranking.top(2).query == Query("q", "x")


@pytest.mark.parametrize(
    "noun", [Document("a", "t"), Query("q", "x"), Hit(Document("a", "t"), 1.0), Ranking(Query("q", "x"), ())]
)
def test_nouns_cannot_be_changed_nor_given_more_fields(noun: Document | Query | Hit | Ranking) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(noun, dataclasses.fields(noun)[0].name, "other")
    assert not hasattr(noun, "__dict__")


def test_documents_do_not_share_their_fields() -> None:
    assert Document("a", "t").fields == {}
    assert Document("a", "t").fields is not Document("a", "t").fields
