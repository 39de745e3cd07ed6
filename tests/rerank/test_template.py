"""The template builds the text of a document that is scored."""

from __future__ import annotations

import pytest

from resift.rerank.template import Template
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Document

BOOK = Document(
    "d1", "Cats sleep a lot.", title="Cats", fields={"author": "A. Meyer", "tags": ["pet", "fur"], "year": 1999}
)


def test_title_and_text_are_joined_by_a_space() -> None:
    assert Template().render(Document("d", "sleep a lot", title="Cats")) == "Cats sleep a lot"


def test_a_title_is_left_out_if_the_text_begins_with_it() -> None:
    assert Template().render(BOOK) == "Cats sleep a lot."


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Cats", "Cats"),
        ("Cats", "Cats sleep"),
        ("Cats", "Cats. They sleep"),
        ("Cats", "Cats, dogs and mice"),
        ("Cats ", "Cats sleep"),
        ("AI", "AI-based search"),
        ("Who's there?", "Who's there?It's me"),
        ("3", "3. Wash by hand"),
        ("Cats", "Cats' tails"),
        ("北京", "北京"),
        ("北京", "北京。中国的首都"),
        ("你好！", "你好！我是猫"),
        ("Cats", "Cats\u200bsleep"),
    ],
)
def test_a_title_is_left_out_if_the_text_begins_with_its_whole_words(title: str, text: str) -> None:
    assert Template().render(Document("d", text, title=title)) == text


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Java", "JavaScript runs in browsers"),
        ("AI", "AIDS is a disease"),
        ("Java", "java runs on a JVM"),
        ("C", "C++ is a language"),
        ("C", "C# is a language"),
        ("C++", "C++11 added threads"),
        ("Pi", "Pi\u0302 is a letter"),
        ("don", "don't do it"),
        ("3", "3.14 is about pi"),
        ("1", "1,000 ships"),
        ("example", "example.com is a domain"),
        ("snake", "snake_case names"),
        ("Straßen", "Straßen\u00adbahn fahren"),
        ("北京", "北京大学是一所大学"),
        ("भारत", "भारतीय रेल"),
        ("Cats", "Cat"),
    ],
)
def test_a_title_that_is_only_a_part_of_the_texts_first_word_is_read(title: str, text: str) -> None:
    assert Template().render(Document("d", text, title=title)) == f"{title} {text}"


def test_a_document_without_title_gives_only_its_text() -> None:
    assert Template().render(Document("d", "text only")) == "text only"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{author}: {text}", "A. Meyer: Cats sleep a lot."),
        ("{tags}", "pet fur"),
        ("{year}", "1999"),
        ("{missing}{doc_id}", "d1"),
        ("{{literal}} {author}", "{literal} A. Meyer"),
    ],
)
def test_other_fields_are_inserted_by_name(pattern: str, expected: str) -> None:
    assert Template(pattern).render(BOOK) == expected


@pytest.mark.parametrize("pattern", ["", "no field at all", "{", "{}", "{text.__class__[0]}", "{text!r}{0:>{w}}"])
def test_a_pattern_without_a_valid_field_is_refused(pattern: str) -> None:
    with pytest.raises(SettingsError):
        Template(pattern)


def test_braces_in_a_field_value_are_not_replaced() -> None:
    assert Template("{text}").render(Document("d", "{title} and {0}", title="T")) == "{title} and {0}"


def test_missing_fields_are_counted_by_name() -> None:
    pamphlet = Document("d2", "Dogs bark.", fields={"year": None})
    assert Template("{titel} {author}: {year} {text}").lacking([BOOK, pamphlet]) == {"titel": 2, "author": 1}


def test_title_text_and_id_are_never_counted_as_missing() -> None:
    assert Template("{title} {text} {doc_id}").lacking([Document("d", "")]) == {}
