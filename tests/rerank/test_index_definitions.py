"""Definitions of indices: which one applies to a name, what it sets, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resift.rerank.index_definitions import IndexDefinition, IndexDefinitions, index_name
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError

TABLE = {
    "articles": {"template": "{title:32}\n{body}", "window": 50, "fusion": "zscore", "fields": ["title^3", "body"]},
    "news-*": {"html": "keep", "fusion-weight": 1, "keep_promoted": False},
    "news-2024-*": {"mode": "shadow", "fields": "title, body^.5"},
    "*": {"passages": 3, "stride": 0.5, "mode": "off"},
}


def of(name: str, table: dict[str, Any] = TABLE) -> str | None:
    found = IndexDefinitions.from_table(table).of(name)
    return None if found is None else found.pattern


def test_the_exact_name_comes_first_and_then_the_longest_pattern() -> None:
    assert of("articles") == "articles"
    assert of("news-2023-01") == "news-*"
    assert of("news-2024-01") == "news-2024-*"
    assert of("news-*") == "news-*"  # a search in all of them
    assert of("products") == "*"
    assert of("products", {"news-*": {}}) is None
    assert of("xnews-1", {"news-*": {}, "a.c": {}}) is None and of("abc", {"a.c": {}}) is None


def test_several_indices_have_a_definition_if_it_is_the_same_for_all() -> None:
    assert of("news-1,news-2") == "news-*"
    assert of("news-1, news-2024-1") is None
    definitions = IndexDefinitions.from_table({"news-*": {}})
    assert definitions.of("news-1,articles") is None and definitions.differ("news-1,articles") == ["news-*"]
    assert definitions.differ("news-1,news-2") == definitions.differ("a,b") == definitions.differ("news-1") == []


def test_a_definition_replaces_what_it_names() -> None:
    found = IndexDefinitions.from_table(TABLE).of("articles")
    assert found is not None
    given = RerankSettings(html="strip", fusion_weight=0.4, rank_window_size=10)
    assert found.applied_to(given) == RerankSettings(
        html="strip", fusion_weight=0.4, template="{title:32}\n{body}", rank_window_size=50, fusion="zscore"
    )
    assert (found.fields, found.names, found.mode) == (("title^3", "body"), ("title", "body"), "on")


def test_members_may_have_dashes_whole_numbers_for_numbers_and_fields_in_one_text() -> None:
    found = {one.pattern: one for one in IndexDefinitions.from_table(TABLE)}
    assert found["news-*"].settings == {"html": "keep", "fusion_weight": 1.0, "keep_promoted": False}
    assert found["news-2024-*"].fields == ("title", "body^.5") and found["news-2024-*"].mode == "shadow"


def test_what_was_given_elsewhere_is_taken_out_and_the_weight_goes_with_its_fusion() -> None:
    one = IndexDefinition("a", settings={"fusion": "zscore", "fusion_weight": 0.9, "html": "keep"})
    assert one.without(["html"]).settings == {"fusion": "zscore", "fusion_weight": 0.9}
    assert one.without(["fusion"]).settings == {"html": "keep"}
    assert one.without(["fusion_weight"]).settings == {"fusion": "zscore", "html": "keep"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("articles", "index: 'articles' is not a table; expected [index.NAME] with its members"),
        ({"articles": "x"}, "index.articles: 'x' is not a table; expected [index.articles] with its members"),
        (
            {"a": {"tempate": "x"}},
            "index.a: 'tempate' is not a member of an index's definition; did you mean template?",
        ),
        ({"a": {"colour": "x"}}, "; known are fields, mode, window, fusion, fusion_weight, keep_promoted, template"),
        ({"a": {"window": "50"}}, "index.a.window: '50' has another type; expected a whole number"),
        ({"a": {"window": True}}, "index.a.window: True has another type; expected a whole number"),
        ({"a": {"window": -1}}, "index.a.window: -1 is below 0; expected 0 or more"),
        ({"a": {"keep_promoted": 1}}, "index.a.keep_promoted: 1 has another type; expected true or false"),
        ({"a": {"html": "some"}}, "index.a.html: 'some' is not known; expected auto, strip or keep"),
        ({"a": {"template": "{title"}}, "index.a.template: '{title', character 1: the brace is not closed"),
        ({"a": {"template": "none"}}, "index.a.template: 'none' does not contain a field"),
        ({"a": {"fusion": "rrf"}}, "index.a.fusion: 'rrf' is not known"),
        ({"a": {"fusion_weight": 3}}, "index.a.fusion_weight: 3.0 is not between 0 and 1"),
        ({"a": {"fusion_weight": 0.1, "fusion-weight": 0.2}}, "index.a: a member is given twice, with _ and with -"),
        ({"a": {"mode": "of"}}, 'index.a.mode: \'of\' is not a mode; expected "off", "shadow" or "on"'),
        ({"a": {"mode": True}}, "index.a.mode: true is not a mode"),
        ({"a": {"fields": "title^x"}}, "index.a.fields: 'title^x' is not a field with an optional boost"),
        ({"a": {"fields": [1]}}, "index.a.fields: [1] is not a list of fields"),
        ({"a": {"fields": ["a", ""]}}, "is not a list of fields"),
        ({"a,b": {}}, "index: 'a,b' is not the name of one index or alias, or a pattern such as news-*"),
        ({" ": {}}, "is not the name of one index"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused_with_its_key(table: Any, message: str) -> None:  # noqa: ANN401
    with pytest.raises(SettingsError) as caught:
        IndexDefinitions.from_table(table)
    assert message in str(caught.value)


def test_what_a_definition_says_can_be_written_again() -> None:
    definitions = IndexDefinitions.from_table(TABLE)
    again = IndexDefinitions.from_table({one.pattern: one.members() for one in definitions})
    assert list(again) == list(definitions) and len(again) == 4


def test_an_application_reads_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "resift.toml"
    file.write_text('depth = 50\n[index.articles]\nhtml = "keep"\n[index."news-*"]\nwindow = 10\n')
    assert [one.pattern for one in IndexDefinitions.from_file(file)] == ["articles", "news-*"]
    file.write_text("depth = 50\n")
    assert len(IndexDefinitions.from_file(file)) == 0
    for content in ("[index", None):
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
        with pytest.raises(SettingsError, match="definitions: .*resift.toml cannot be read as TOML"):
            IndexDefinitions.from_file(file)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://localhost:9200/articles", "articles"),
        ("https://a:9200,b:9200/prefix/news-*", "news-*"),
        ("http://localhost:9200/a,b", "a,b"),
        ("cloud:articles", "articles"),
        ("bm25:data/help", "help"),
        ("bm25:data/help/", "help"),
    ],
)
def test_an_index_is_defined_by_the_name_in_its_address_or_of_its_folder(url: str, name: str) -> None:
    assert index_name(url) == name
