"""The language of templates: alternatives, texts for missing fields, groups, escapes, and errors at their place."""

from __future__ import annotations

from typing import Any

import pytest

from resift.rerank.template import Template
from resift.rerank.template_pattern import Field, Group, parse_pattern
from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Document


def shown(pattern: str, text: str = "Cats sleep.", title: str = "", **fields: Any) -> str:  # noqa: ANN401 - any field
    return Template(pattern).render(Document("d1", text, title=title, fields=fields))


def test_the_first_alternative_with_text_is_read() -> None:
    assert shown("{summary|abstract|text}", abstract="On cats.") == "On cats."
    assert shown("{summary|abstract|text}", summary=" \n", abstract=["", None]) == "Cats sleep."
    assert shown("{summary|text}", summary="<p> </p>") == "Cats sleep."


def test_a_text_in_quotes_replaces_a_field_that_is_missing_or_empty() -> None:
    assert shown('{author|editor|"unknown"}: {text}', author="", editor=None) == "unknown: Cats sleep."
    assert shown('{author|editor|"unknown"}: {text}', editor="Meyer") == "Meyer: Cats sleep."
    assert shown('{a|"}[{"}{text}') == "}[{Cats sleep."


def test_a_document_without_text_has_no_text_because_of_one_in_quotes() -> None:
    assert shown('{title|"untitled"} {text}', "") == ""
    assert shown('{author|"unknown"} {doc_id} {text}', " ") == ""


def test_a_group_is_left_out_if_all_its_fields_are_empty() -> None:
    pattern = "{text}[ Price: {price} EUR{unit}.]"
    assert shown(pattern) == "Cats sleep."
    assert shown(pattern, price=3) == "Cats sleep. Price: 3 EUR."
    assert shown(pattern, unit=" a piece") == "Cats sleep. Price:  EUR a piece."
    assert shown('{text}[ By {author|"nobody"}.]') == "Cats sleep. By nobody."


def test_a_group_goes_with_a_title_that_the_text_begins_with() -> None:
    assert shown("[{title}: ]{text}", "Cats sleep.", "Cats") == "Cats sleep."
    assert shown("[{title}: ]{text}", "They sleep.", "Cats") == "Cats: They sleep."


def test_a_title_that_the_text_begins_with_is_replaced_by_nothing_else() -> None:
    assert shown('{title|heading|"untitled"} {text}', "Cats sleep.", "Cats", heading="H") == "Cats sleep."


def test_a_title_is_read_if_the_text_that_begins_with_it_is_not() -> None:
    assert shown("{title}", "Cats sleep.", "Cats") == "Cats"
    assert shown("{title} {summary|text}", "Cats sleep.", "Cats", summary="On sleep.") == "Cats On sleep."


def test_the_longest_field_is_the_documents_own_text_where_the_pattern_has_none() -> None:
    assert shown("{title}\n{body}", "", "Cats", body="Cats sleep.") == "Cats sleep."
    document = Document("d", "", title="Cats", fields={"body": "They sleep all day.", "tag": "pet"})
    read = Template("{tag}, {title}\n{body}[ ({price})]").read(document)
    assert (read.text[: read.body], read.text[read.body :]) == ("pet, Cats\n", "They sleep all day.")


def test_doubled_braces_and_brackets_are_characters() -> None:
    assert shown("{{{text}}} [[SEP]] [[[{title}]]]", title="Animals") == "{Cats sleep.} [SEP] [Animals]"


def test_a_path_leads_to_the_fields_of_objects_and_lists() -> None:
    fields = {"author": {"name": "Meyer"}, "parts": [{"title": "a"}, {"title": ["b", 3]}], "x.y": "z", "none": {}}
    document = Document("d", "Cats.", fields=fields)
    assert Template("{author.name} {parts.title} {x.y}: {text}").render(document) == "Meyer a b 3 z: Cats."
    assert Template("{author.name}{none.title}{text}").lacking([document]) == {"none.title": 1}


def test_a_field_that_a_document_has_by_its_path_and_in_its_object_is_read_once() -> None:
    document = Document("d", "Cats sleep.", fields={"by.name": ["M"], "by": {"name": "M"}})
    assert Template("{by.name}: {text}").render(document) == "M: Cats sleep."


def test_all_alternatives_are_fields_to_fetch() -> None:
    assert Template('{title:8}[ {a.b|c}]{summary|text}{doc_id|"x"}').fields() == ("a.b", "c", "summary")


def test_a_pattern_is_parsed_into_its_parts() -> None:
    assert parse_pattern('a[[{b|c|"d":7}[e{f}]') == (
        "a[",
        Field(("b", "c"), "d", 7),
        Group(("e", Field(("f",)))),
    )


@pytest.mark.parametrize(
    ("pattern", "place", "expected"),
    [
        ("{", 2, "the end of the pattern is not expected here; expected a field name"),
        ("{}", 2, "'}' is not expected here; expected a field name"),
        ("a } b", 3, "'}' ends nothing; write }} for the character itself"),
        ("{text} ]", 8, "']' ends nothing; write ]] for the character itself"),
        ("{title", 1, "the brace is not closed; expected }"),
        ("{title}[{text}", 8, "the bracket is not closed; expected ]"),
        ("{title} [SEP] {text}", 9, "a group needs a field; write [[ and ]] for the brackets themselves"),
        ("[a {text} [b {title}]]", 11, "a group is inside another one"),
        ("{title:}", 8, "'}' is not expected here; expected a number of tokens from 1, as in {title:32}"),
        ("{title:0}", 8, "'0' is not expected here; expected a number of tokens"),
        ("{title:3x}", 9, "'x' is not expected here; expected }, as in {title}"),
        ("{title:3|text}", 9, "'|' is not expected here; expected }, as in"),
        ("{title|}", 8, "'}' is not expected here; expected a field name"),
        ('{"untitled"}', 2, "'\"' is not expected here; expected a field name"),
        ('{title|"untitled}', 8, "expected a text in quotes"),
        ('{title|""}', 10, "the text in quotes is empty; leave it out"),
        ('{title|"a"|text}', 11, "'|' is not expected here; expected } or :"),
        ("{two words}", 5, "' ' is not expected here; expected }, | or :"),
        ("{text!r}", 6, "'!' is not expected here"),
        ("{0}", 2, "'0' is not expected here; expected a field name"),
    ],
)
def test_a_malformed_pattern_is_refused_with_its_place_and_what_was_expected(
    pattern: str, place: int, expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Template(pattern)
    assert str(caught.value).startswith(f"template: {pattern!r}, character {place}: ")
    assert expected in str(caught.value)


def test_the_values_of_fields_are_not_part_of_the_language() -> None:
    assert shown("{a}: {text}", "[{title}] }", a='{text|"x":3}') == '{text|"x":3}: [{title}] }'


def test_html_in_a_field_that_is_not_read_does_not_count() -> None:
    document = Document("d", "Cats sleep.", title="<b>Cats</b>", fields={"note": "<i>x</i>"})
    assert not Template("{text}").read(document).html
    assert Template("{title}: {text}").read(document).html and Template("{text}[ {note}]").read(document).html
