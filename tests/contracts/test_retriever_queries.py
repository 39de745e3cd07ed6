"""Queries as users type and paste them: no row of the retriever registry fails on one, or reads it as a program."""

from __future__ import annotations

from resift.retrieval.types import Document, Query
from tests.contracts.place import Place

DOCUMENTS = [
    Document("1", "lentil soup", "Dinner"),
    Document("2", "bread with butter", "Breakfast"),
    Document("3", "soup and bread", "Supper"),
]
WITHOUT_A_WORD = ["", " ", " \n\t\r ", "!!!", '"', "\\", "(", "*", "?", "~", "/", "\x00", "\x07\x1b[0m", "\ud800", "🦄"]
SOUP = [
    "soup (",
    'soup "',
    "soup OR",
    "NOT soup",
    "soup -",
    "+soup",
    "soup~2",
    "soup^99999",
    "soup*",
    "(soup",
    "[soup TO",
    "soup\\",
    "text: soup",
    "/soup/",
    "{{soup}}",
    '{"match_all": {}} soup',
    "soup\n{}\n",
    "soup\r\n\r\n",
    "soup\x00",
    "\x07soup\x1f",
    "soup \udfff",
    "\ud83d soup",
    "soup 🦄🦄",
    "SOUP",
    "  soup  ",
    "soup\u2028soup",
    "soup " + "x" * 10_000,
    "soup " * 2000,
    " ".join(f"word{n}" for n in range(1500)).replace("word0", "soup"),
    "\N{RIGHT-TO-LEFT OVERRIDE} soup \N{POP DIRECTIONAL FORMATTING}",
]
"""Query texts of which "soup" is the only word that any document has."""


def found(place: Place, texts: list[str]) -> list[set[str]]:
    """Return for each text the documents that it finds, one query at a time and in a batch, which are the same."""
    retriever = place.open(DOCUMENTS)
    queries = [Query(str(n), text) for n, text in enumerate(texts)]
    alone = [retriever.retrieve([query], 10)[0] for query in queries]
    assert [ranking.query for ranking in alone] == queries
    assert retriever.retrieve(queries, 10) == alone
    return [{hit.document.doc_id for hit in ranking.hits} for ranking in alone]


def test_a_query_without_a_word_finds_nothing(place: Place) -> None:
    assert dict(zip(WITHOUT_A_WORD, found(place, WITHOUT_A_WORD), strict=True)) == dict.fromkeys(WITHOUT_A_WORD, set())


def test_operators_control_characters_and_lone_surrogates_are_not_read_as_syntax(place: Place) -> None:
    assert dict(zip(SOUP, found(place, SOUP), strict=True)) == dict.fromkeys(SOUP, {"1", "3"})


def test_a_query_of_stop_words_alone_is_answered(place: Place) -> None:
    [hits] = found(place, ["the of and"])
    assert hits <= {"3"}  # an engine's standard analysis keeps "and"


def test_ten_thousand_characters_without_a_space_are_a_query(place: Place) -> None:
    ends = ["s" * 10_000, "日" * 10_000, "🦄" * 10_000, "a-b/" * 2500, "한국어" * 3333, "…—" * 5000]
    assert found(place, [f"soup {end}" for end in ends]) == [{"1", "3"}] * len(ends)


def test_a_query_keeps_its_id_whatever_that_is(place: Place) -> None:
    retriever = place.open(DOCUMENTS)
    for query_id in ("", "1\n2", "\ud800", "a" * 5000, "{}"):
        queries = [Query(query_id, "soup"), Query(query_id, "lentil")]
        assert [(one.query, len(one.hits)) for one in retriever.retrieve(queries, 5)] == [
            (queries[0], 2),
            (queries[1], 1),
        ]
