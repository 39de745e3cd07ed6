"""HTML is removed from texts that are HTML, and nothing is removed from code, comparisons, addresses and XML."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.retrieval.markup import plain_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>Red &amp; green</p>", "Red & green"),
        ("<P>Red</P><BR>green", "Red green"),
        ("one<br>two<br/>three", "one two three"),
        ("one <br> two <br> three", "one two three"),
        ("one<p>two", "one two"),
        ("H<sub>2</sub>O and <b>b</b>old", "H2O and bold"),
        ("<ul><li>one</li><li>two</li></ul>", "one two"),
        ("<span>red</span><span>blue</span>", "red blue"),
        ('<a href=http://e.example/a/b/>here</a>, <img src="a.png" alt="x > y">', "here,"),
        ('<input type="text" disabled> <td nowrap data-x>y', "y"),
        ("<script>if (a<b) no('</p>')</script>yes<style>p { color: red }</style>", "yes"),
        ("a<!-- hidden <b>words</b> -->b", "a b"),
        ("<!DOCTYPE html><html><head><title>T</title></head><body>x", "T x"),
        ("end of a cut text</p> and more", "end of a cut text and more"),
        ("<div class='x'>\n  two\tlines\n</div>", "two lines"),
        ("<p>AT&amp;T, &lt;b&gt;, &#233;, &#xe9;, &nbsp;x, R&D, &unknown;</p>", "AT&T, <b>, é, é, x, R&D, &unknown;"),
        ("<p>List<String> and List<object> and <stdio.h></p>", "List<String> and List<object> and <stdio.h>"),
        ("<o:p>x</o:p><my-part>y</my-part><p>git tag <new-name></p>", "x y git tag <new-name>"),
        ("<p>东京<b>大学</b></p>", "东京大学"),
    ],
)
def test_tags_are_removed_from_html_and_its_words_stay(text: str, expected: str) -> None:
    assert plain_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words",
        "two  spaces\nand a line",
        "List<String> names = new ArrayList<>();",
        "Map<K, V>, List<object>, Option<Form>, vector<std::string>",
        "if a<b and c>d then",
        "x<y && z>w || i<a",
        "0 < 1 > 0",
        "#include <stdio.h>",
        "from A. Meyer <a@b.example>, see <https://e.example/a>",
        "git tag <label> <object>",
        "kubectl logs <pod-name>",
        "<note><author>A</author><year>1999</year></note>",
        "Use <br> to break a line.",
        "How do I center a <div> inside the <body>?",
        "a stray </div> tag",
        "AT&amp;T",
        "write &lt;b&gt;bold&lt;/b&gt;",
        "<",
        "<p",
        "a <!-- never closed",
        "<script> without an end",
        "<Button>Save</Button>",
    ],
)
def test_a_text_that_is_not_html_is_returned_unchanged(text: str) -> None:
    assert plain_text(text) == text


def test_all_tags_are_removed_on_request_and_none_if_they_are_to_be_kept() -> None:
    assert plain_text("in a <div> and a <Table>, AT&amp;T", "strip") == "in a and a , AT&T"
    assert plain_text("<p>x</p>", "keep") == "<p>x</p>"


PARTS = st.sampled_from(
    [
        "soup",
        " ",
        "red lentils",
        "&amp;",
        "<p>",
        "</p>",
        "<div class='a b'>",
        "</div>",
        "<br>",
        "<li>",
        "<ul><li>x</li></ul>",
    ]
)


@settings(deadline=None)
@given(st.lists(PARTS, max_size=30).map("".join))
def test_the_words_of_well_formed_html_are_those_that_beautiful_soup_finds(body: str) -> None:
    page = f"<html><body>{body}</body></html>"
    assert plain_text(page).split() == BeautifulSoup(page, "html.parser").get_text(" ").split()


@settings(deadline=None)
@given(st.text(st.sampled_from("<>/!-abp br='\"&;amp ")))
def test_any_text_is_read_and_what_is_not_html_is_unchanged(text: str) -> None:
    assert plain_text(plain_text(text, "keep")) == plain_text(text)
    if "<" not in text or ">" not in text:
        assert plain_text(text) == text


@pytest.mark.parametrize(
    "unit",
    ["<", "<a ", '<a b="', '<a b=\'" c="', "<!--", "<script>", "<!doctype ", "<a b=", '<a b="x>" ', "&", "<a/", "<p "],
)
def test_a_hostile_text_of_a_megabyte_is_read_to_its_end(unit: str) -> None:
    assert plain_text(unit * (1_000_000 // len(unit)) + "\n<p>the end</p>").endswith("the end")
