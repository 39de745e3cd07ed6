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


FENCED = "```html\n<script>\n  load();\n</script>\n```\n"


@pytest.mark.parametrize(
    "text",
    [
        f"# Plain\n\n{FENCED}",
        FENCED.replace("```", "~~~~"),
        FENCED.replace("```html", "``` {.html .numberLines}"),
        "Annotate:\n```\n<!-- YAML\nadded: 1.0\n-->\n```",
        "1. First\n\n   ```vue\n   <style scoped>p { color: red }</style>\n   ```\n",
        "> ```html\n> <p>quoted</p>\n> ```\n",
        "- ```html\n  <p>x</p>\n  ```\n",
        "````md\n```html\n<p>x</p>\n```\n<p>y</p>\n````",
        "```html\n<p>the text is cut in the code",
        "Set `<!-- more -->` or `<script src='a.js'></script>` or `&lt;p class='x'&gt;`.",
        "Two marks: `` <p>`x`</p> `` and over\nlines `<p>\nx</p>`.",
        "| `<p>a</p>` | `<b>b</b>` |\n|---|---|",
        "```html\r\n<p>x</p>\r\n```\r\n",
    ],
)
def test_html_in_the_code_of_markdown_is_words_of_the_text(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"<p align='center'>Logo</p>\n\n{FENCED}\nBut <b>bold</b> &amp; so", f"Logo \n{FENCED} But bold & so"),
        ("Use `<br>` &amp;  `&amp;`<!-- hidden ` --> and <b>x</b> `y`", "Use `<br>` & `&amp;` and x `y`"),
        ("<div>\n```html\n<p>x</p>\n```\n</div>", "```html\n<p>x</p>\n```"),
        ("> ```html\n> <p>x</p>\n\n<p>y</p>", "> ```html\n> <p>x</p>\n y"),
    ],
)
def test_html_around_the_code_of_markdown_is_removed_and_the_code_stays(text: str, expected: str) -> None:
    assert plain_text(text) == expected
    assert plain_text(expected) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>it`s</p><p>that`s</p>", "it`s that`s"),
        ("it`s <b>so</b>\n\nthat`s", "it`s so that`s"),
        ("- it`s <b>so</b>\n- that`s", "- it`s so - that`s"),
        ("<pre>\na=`<b>x</b>`\n\nb=`<b>y</b>`\n</pre>", "a=`x` b=`y`"),
        ("<script>\na = `<p>`;\n\nb = `</p>`;\n</script>\n<p>words</p>", "words"),
        ("text <script>a = `<p>x</p>`</script> words", "text words"),
        ("<!--\n```\n-->\n<p>words</p>", "words"),
        ('<a title="`">x</a> and <b>y</b>`', "x and y`"),
        ("\\`<b>x</b>\\`", "\\`x\\`"),
        ("``<b>x</b>`", "``x`"),
    ],
)
def test_backticks_that_are_not_code_of_markdown_keep_no_html(text: str, expected: str) -> None:
    assert plain_text(text) == expected


def test_all_tags_are_removed_on_request_also_in_code() -> None:
    assert plain_text("see `<b>x</b>`", "strip") == "see `x`"


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


@pytest.mark.parametrize(
    "unit",
    [
        "`",
        "`` ` ",
        "a ` b\n\n",
        "~~~\n",
        "> ```\n\n",
        "\\",
        " ",
        ">",
        "x <!-- ` \n\n",
        "<!-- `",
        "<pre>\n",
        "1. ",
        "`<",
    ],
)
def test_hostile_markdown_is_read_to_its_end(unit: str) -> None:
    assert "the end" in plain_text("`x` " + unit * (200_000 // len(unit)) + "\n<p>the end</p>")
