"""The words of a query in an engine's syntax, without the syntax."""

from __future__ import annotations

import pytest

from resift.rerank.plugin.query_syntax import fielded_words, simple_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("red soup", "red soup"),
        ('+red -"green soup" !blue NOT (a b) soup', "red soup"),
        ("red AND (hot OR warm) && cold || old", "red hot warm cold old"),
        ("and or not", "and or not"),
        ('soup~2 lentil~ pot^2.5 "a b"~3^2', "soup lentil pot a b"),
        ("soup* *pot so?p what?", "soup pot what"),
        ("*:* _id:*", ""),
        ("price:[1 TO 5] date:{* TO 2020} year:>=2020 soup", "soup"),
        ("/re[gx]+/ soup a/b", "soup a/b"),
        ("C++ wi-fi R&D don't", "C++ wi-fi R&D don't"),
        (r"a\:b \-5 c\ d", "a:b -5 c d"),
        ("-(a (b c) d) e", "e"),
        ('(((a) "open quote', "a open quote"),
        (") a", "a"),
        ("hello!", "hello!"),
        ("", ""),
    ],
)
def test_operators_and_negated_clauses_of_a_query_string_are_left_out(text: str, words: str) -> None:
    assert " ".join(word for _, word in fielded_words(text)) == words


def test_a_field_belongs_to_the_next_word_phrase_or_group() -> None:
    found = fielded_words('title:red soup text:"hot pot" kind:(a (b) -c) d')
    expected = [("title", "red"), ("", "soup"), ("text", "hot pot"), ("kind", "a"), ("kind", "b"), ("", "d")]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"red soup"~3 + (hot | warm*) -cold', "red soup hot warm"),
        ('-"x y" z -(a (b) c) d', "z d"),
        ("wi-fi C++ a+b x|y", "wi-fi C++ a b x y"),
        ("AND title:soup", "AND title:soup"),
        (r"a\-b \-c", "a-b -c"),
        ('( "open', "open"),
        ("+ | -", ""),
    ],
)
def test_a_simple_query_string_has_fewer_operators(text: str, words: str) -> None:
    assert simple_words(text) == words


@pytest.mark.parametrize(
    "text", ["(" * 20_000, '"a(' * 10_000, "[" * 20_000, "\\" * 20_001, "/a" * 10_000, "~1" * 10_000]
)
def test_a_hostile_text_is_read_to_the_end(text: str) -> None:
    assert isinstance(fielded_words(text), list) and isinstance(simple_words(text), str)
