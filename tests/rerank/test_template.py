"""Which text of a document is scored."""

from __future__ import annotations

import pytest

from resift.rerank.template import Template
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Document

BOOK = Document(
    "d1", "Cats sleep a lot.", title="Cats", fields={"author": "A. Meyer", "tags": ["pet", "fur"], "year": 1999}
)


def test_title_and_text_are_joined_by_a_blank() -> None:
    assert Template().render(Document("d", "sleep a lot", title="Cats")) == "Cats sleep a lot"


def test_a_title_that_begins_the_text_is_not_repeated() -> None:
    assert Template().render(BOOK) == "Cats sleep a lot."


def test_a_document_without_title_is_its_text_alone() -> None:
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
def test_other_fields_are_filled_in_by_name(pattern: str, expected: str) -> None:
    assert Template(pattern).render(BOOK) == expected


@pytest.mark.parametrize("pattern", ["", "no field at all", "{", "{}", "{text.__class__[0]}", "{text!r}{0:>{w}}"])
def test_a_pattern_that_names_no_field_is_refused(pattern: str) -> None:
    with pytest.raises(SettingsError):
        Template(pattern)


def test_a_field_value_that_looks_like_a_pattern_is_not_filled_in_again() -> None:
    assert Template("{text}").render(Document("d", "{title} and {0}", title="T")) == "{title} and {0}"


def test_fields_that_documents_lack_are_counted_by_name() -> None:
    pamphlet = Document("d2", "Dogs bark.", fields={"year": None})
    assert Template("{titel} {author}: {year} {text}").lacking([BOOK, pamphlet]) == {"titel": 2, "author": 1}


def test_title_text_and_id_are_never_lacking() -> None:
    assert Template("{title} {text} {doc_id}").lacking([Document("d", "")]) == {}
