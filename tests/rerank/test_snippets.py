"""The snippet of a document that is displayed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.snippets import best_snippet


def words(text: str) -> list[str]:
    return [word.lower().rstrip("s") for word in text.split()]


def marked(text: str, query: str, width: int = 160) -> tuple[str, list[str]]:
    snippet = best_snippet(text, query, words, width)
    return snippet.text, [snippet.text[start:end] for start, end in snippet.marks]


def test_a_short_text_is_displayed_whole_with_the_querys_words_marked() -> None:
    assert marked("Cats eat cat food.", "cat food") == ("Cats eat cat food.", ["Cats", "cat", "food"])


def test_the_part_with_most_distinct_words_is_preferred_to_the_first_match() -> None:
    text = "cat " + "filler " * 60 + "the cat likes its food " + "filler " * 60
    shown, marks = marked(text, "cat food likes", width=60)
    assert marks == ["cat", "likes", "food"]
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) <= 64


def test_the_snippet_of_a_text_without_the_words_is_its_beginning() -> None:
    shown, marks = marked("One two three four five six seven.", "zebra", width=15)
    assert (shown, marks) == ("One two three …", [])


def test_line_breaks_and_control_characters_become_spaces() -> None:
    assert marked("cat\n\n\x1b[31mfood\x00", "food")[0] == "cat [31mfood"


def test_an_empty_text_gives_an_empty_snippet() -> None:
    assert marked("", "cat") == ("", [])


@given(st.text(max_size=400), st.text(max_size=30), st.integers(5, 80))
def test_any_text_gives_a_bounded_snippet_with_marks_inside_it(text: str, query: str, width: int) -> None:
    snippet = best_snippet(text, query, words, width)
    longest = max((len(word) for word in text.split()), default=0)
    assert len(snippet.text) <= max(width, longest) + 4
    assert all(0 <= start < end <= len(snippet.text) for start, end in snippet.marks)
    assert "\n" not in snippet.text
