"""Reports as Markdown and HTML: every text is shown literally, and a page needs nothing but itself."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from resift.rerank.evaluation.page import Cell, Heading, Page, Paragraph, Table, to_html, to_markdown, write_page
from resift.retrieval.errors import SettingsError

HOSTILE = "</td></table><script>alert('1')</script><img src=x onerror=\"alert(1)\"> & a|b `c` [d](javascript:e) \x1b[31m\u202e"


def page(text: str) -> Page:
    rows = ((Cell(text, (text,), "bad"), text), ("plain", Cell("+0.1000", tone="good")))
    return Page(text, (Heading(text), Paragraph(text), Table((text, "value"), rows, frozenset((1,)))))


class Reader(HTMLParser):
    """Collects the tags, the attributes and the text of a page, without its style."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


def test_hostile_texts_add_no_tag_and_no_attribute_to_a_page() -> None:
    hostile, harmless = read(to_html(page(HOSTILE))), read(to_html(page("harmless")))

    assert hostile.tags == harmless.tags
    assert hostile.attributes == harmless.attributes
    assert "".join(hostile.text).count("<script>alert('1')</script>") == 8


def test_a_page_loads_nothing_and_runs_nothing() -> None:
    text = to_html(page("harmless"))

    assert not {"script", "img", "link", "iframe", "a", "form"} & set(read(text).tags)
    assert not {"src", "href", "onclick", "style"} & read(text).attributes
    assert "default-src 'none'" in text
    assert "url(" not in text and "@import" not in text
    assert "prefers-color-scheme: dark" in text


def test_hostile_texts_stay_in_their_cell_of_a_markdown_table() -> None:
    lines = to_markdown(page(HOSTILE)).splitlines()
    rows = [line for line in lines if line.startswith("|")]

    assert len(rows) == 4
    assert [row.replace("\\|", "").count("|") for row in rows] == [3, 3, 3, 3]
    assert "<script" not in "".join(lines) and "](" not in "".join(lines).replace("\\]", "")
    assert not any(character in "".join(lines) for character in "\x1b\u202e")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- not a list", r"\- not a list"),
        ("1. not a list", r"1\. not a list"),
        ("> no quotation", r"\> no quotation"),
        ("# no heading", r"\# no heading"),
        ("0.5 model + 0.5 first stage", "0.5 model + 0.5 first stage"),
        ("two\n\nlines", "two lines"),
        ("my_file *x*", r"my\_file \*x\*"),
    ],
)
def test_a_paragraph_of_markdown_is_only_a_paragraph(text: str, expected: str) -> None:
    assert to_markdown(Page("t", (Paragraph(text),))).splitlines()[2] == expected


def test_the_name_of_a_file_decides_its_form_and_others_are_refused(tmp_path: Path) -> None:
    write_page(tmp_path / "a.HTML", page("soup"))
    write_page(tmp_path / "a.md", page("soup"))

    assert (tmp_path / "a.HTML").read_text().startswith("<!doctype html>")
    assert (tmp_path / "a.md").read_text().startswith("# soup\n")
    with pytest.raises(SettingsError, match=r"\.html or \.md"):
        write_page(tmp_path / "a.pdf", page("soup"))


def test_any_text_can_be_written(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", page("\ud800 مرحبا 🙂 \x00"))

    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "مرحبا 🙂" in text
    assert 'dir="auto"' in text
