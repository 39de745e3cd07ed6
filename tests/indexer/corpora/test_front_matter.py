"""The front matter of Markdown files: what is front matter, what is text, and which values its keys have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.indexer.corpora.front_matter import split_front_matter
from resift.retrieval.types import Document
from tests.indexer.corpora.corpus_files import read_with_notes, write


@pytest.mark.parametrize(
    "content",
    [
        "---\nThe first words.\n\n---\nMore.",
        "---\n\n# Heading\n\n---\nMore.",
        "---\n- a list\n- of words\n---\nMore.",
        "---\nkey: value\nand words\n---\nMore.",
        "---\nkey: value\nwithout an end",
        "\n---\nkey: value\n---\nMore.",
        "Words\n---\nkey: value\n---\nMore.",
        "----\nkey: value\n----\nMore.",
        "---\nhttps://a.example/b\n---\nMore.",
        "+++\nnot TOML\n+++\nMore.",
        "+++\nkey = 1\n---\nMore.",
        "+++\n" + "a = [" * 50_000 + "\n+++\nMore.",
    ],
)
def test_a_text_that_begins_with_a_rule_keeps_all_of_its_words(content: str, tmp_path: Path) -> None:
    assert split_front_matter(content) == ({}, content)
    [document] = read_with_notes(write(tmp_path / "a.md", content))[0]
    words = {word for word in content.replace("#", "").split() if word.strip("-")}
    assert words <= {*document.text.split(), *document.title.split()}


YAML = r"""# a comment
tags: [recipes, "soups, hot", 'it''s']  # three
aliases:
- one
- "two # three"
steps:
  - https://a.example/#x
  - 5
draft: false
date: 2024-05-01 # a day
version: 1.10
url: https://a.example/b#top

quoted: "A \"B\" \u00e9"
single: 'it''s: here'
long: some words
  over two lines
folded: >-
  one
  two

  three
kept: |
  one
    two
multi: [a,
  b,
]
"key: with": colon
last updated: today
"""


def test_values_of_yaml_are_those_that_pyyaml_reads_as_texts() -> None:
    yaml: Any = pytest.importorskip("yaml")
    found, rest = split_front_matter(f"---\n{YAML}...\nwords")

    expected = yaml.load(YAML, Loader=yaml.BaseLoader)
    expected["kept"] = expected["kept"].rstrip("\n")
    assert (found, rest) == (expected, "words")


def test_values_that_are_not_simple_keep_their_text_and_empty_ones_are_left_out() -> None:
    block = 'author:\n  name: A\n  mail: b\npeople:\n- name: A\nmap: {a: b}\nnested: [[a], b]\nref: *x\nodd: "a" b\n'
    found, _ = split_front_matter(f"---\n{block}empty:\nnone: ~\nquotes: ''\nlist: [a, ~, '']\n---\n")

    assert found == {
        "author": "name: A\nmail: b",
        "people": "- name: A",
        "map": "{a: b}",
        "nested": "[[a], b]",
        "ref": "*x",
        "odd": '"a" b',
        "list": ["a", ""],
    }


def test_toml_is_read_with_its_values_as_texts() -> None:
    block = (
        'title = "T"\ndate = 2024-05-01\nversion = 1.10\ndraft = true\ntags = ["a", "b"]\n[params]\nx = 2024-05-01\n'
    )

    assert split_front_matter(f"+++\r\n{block}+++\r\nwords") == (
        {
            "title": "T",
            "date": "2024-05-01",
            "version": "1.10",
            "draft": "true",
            "tags": ["a", "b"],
            "params": '{"x": "2024-05-01"}',
        },
        "words",
    )


def test_front_matter_becomes_the_title_and_the_fields_of_the_document(tmp_path: Path) -> None:
    path = write(tmp_path / "a.md", '---\ntitle: "Soup"\ntags: [hot]\nurl: https://a.example\n---\nwords\n')

    assert read_with_notes(path)[0] == [
        Document("a.md", "words", "Soup", {"path": "a.md", "tags": ["hot"], "url": "https://a.example"})
    ]
    assert read_with_notes(path, fields="url")[0] == [Document("a.md", "words", "Soup", {"url": "https://a.example"})]


def test_front_matter_does_not_replace_the_id_the_text_or_the_path_of_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.md", "---\n_id: 1\nid: 2\nText: x\npath: /y\ntitle: [a]\ndescription: d\n---\n# Head\nwords"
    )

    [document] = read_with_notes(path)[0]
    assert (document.doc_id, document.title, document.text) == ("a.md", "Head", "words")
    assert document.fields == {
        "path": "a.md",
        "description": "d",
        "field_id": "2",
        "field_Text": "x",
        "field_path": "/y",
        "field_title": ["a"],
    }


LINES = st.sampled_from(
    [
        "---",
        "...",
        "a: b",
        "a:",
        "- x",
        "  - y",
        "  z: [",
        "b: [a, {",
        "]",
        "c: 'x",
        'd: "y\\',
        "e: >",
        "# f",
        "",
        "g",
        "*: &",
    ]
)


@settings(deadline=None)
@given(st.lists(LINES, max_size=15))
def test_any_block_is_read_and_what_follows_it_is_unchanged(lines: list[str]) -> None:
    content = "\n".join(["---", *lines, "---", "words"])
    found, rest = split_front_matter(content)
    assert content.endswith(rest) and rest.endswith("words")


@pytest.mark.parametrize(
    "line", ["a: [", "a: '", 'a: "\\', "- x", "  x", "a" * 100, " " * 100, "a: [" + "b, " * 30, "#"]
)
def test_hostile_front_matter_is_read_to_its_end(line: str) -> None:
    content = "---\nkey:\n" + f"{line}\n" * (100_000 // len(line)) + "---\nwords"
    assert split_front_matter(content)[1].endswith("words")
