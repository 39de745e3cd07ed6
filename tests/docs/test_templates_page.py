"""The templates and the definitions in docs/templates.md can be used, and its words on them are true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.template import Template
from resift.retrieval.types import Document

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
PATTERNS = re.findall(r"^    ([{\[].*)$", PAGE, flags=re.MULTILINE)
CELLS = [
    cell.replace("\\|", "|") for row in re.findall(r"^\| (`[{\[].*?) \| ", PAGE, flags=re.MULTILINE) for cell in [row]
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_of_an_example_is_a_template(pattern: str) -> None:
    assert Template(pattern).names()


@pytest.mark.parametrize(
    "pattern", [one for cell in CELLS for one in re.findall(r"`([^`]+)`", cell) if "{{" not in one]
)
def test_each_form_of_the_table_is_part_of_a_template(pattern: str) -> None:
    assert Template(f"{pattern}{{text}}" if pattern not in ("}}", "[[", "]]") else f"{{text}}{pattern}").names()


def test_the_messages_of_the_example_read_as_the_page_says() -> None:
    messages = Template(next(one for one in PATTERNS if "no subject" in one))
    fields = {"subject": "Login fails", "author": {"name": "Meyer"}, "body": "Since yesterday …"}
    assert messages.render(Document("d", "", fields=fields)) == "Login fails (Meyer): Since yesterday …"
    assert messages.render(Document("d", "", fields={"body": "Since yesterday …"})) == "no subject: Since yesterday …"


def test_the_definitions_of_the_example_are_read() -> None:
    [block] = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    definitions = IndexDefinitions.from_table(tomllib.loads(block)["index"])
    assert [one.pattern for one in definitions] == ["articles", "news-*"]
    assert {name for one in definitions for name in one.members()} <= set(re.findall(r"`(\w+)`", PAGE))
