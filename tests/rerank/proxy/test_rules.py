"""Which indices are reranked, in which mode, and what the switch changes."""

from __future__ import annotations

from typing import Any

import pytest

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.proxy.rules import Rule, Rules
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError

TABLE: dict[str, Any] = {
    "articles": {"fields": ["title^3", "body"], "window": 50},
    "news-*": {"mode": "shadow"},
    "news-old": {"mode": "off"},
}


def rules(*names: str, table: dict[str, Any] | None = None, **more: Any) -> Rules:
    definitions = IndexDefinitions.from_table(TABLE if table is None else table)
    return Rules(names, definitions, RerankSettings(), **more)


def found(one: Rule | None) -> tuple[str, str] | None:
    return None if one is None else (one.name, one.mode)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ("articles", ("articles", "on")),
        ("news-2024", ("news-*", "shadow")),
        ("news-*", ("news-*", "shadow")),
        ("news-old", ("news-old", "off")),
        ("news-2023,news-2024", ("news-*", "shadow")),
        ("articles,articles", ("articles", "on")),
        ("articles,news-2024", None),
        ("articles,other", None),
        ("other", None),
        ("_all", None),
        ("*", None),
        ("", None),
        (" , ", None),
    ],
)
def test_an_index_has_the_rule_of_its_definition(index: str, expected: tuple[str, str] | None) -> None:
    one = rules()
    assert found(one.of(index)) == expected
    assert found(one.of(index)) == expected  # also when it is remembered


def test_the_names_of_the_command_line_are_reranked_and_no_others_with_what_is_defined_for_them() -> None:
    one = rules("articles", "help-*")
    articles = one.of("articles")
    assert articles is not None and articles.fields == ("title", "body")
    assert articles.settings.rank_window_size == 50
    assert found(one.of("help-en")) == ("help-*", "on")
    assert one.of("news-2024") is None
    assert one.describe() == {"all": None, "indices": {"articles": "on", "help-*": "on"}}


def test_fields_of_the_command_line_are_read_of_all_indices_without_their_boosts() -> None:
    one = rules(fields=["headline^2", "text"])
    for index in ("articles", "news-2024"):
        rule = one.of(index)
        assert rule is not None and rule.fields == ("headline", "text")


def test_a_request_that_asks_for_it_is_reranked_with_any_definition_that_fits() -> None:
    one = rules("help")
    assert found(one.of("other", asked=True)) == ("other", "on")
    asked = one.of("articles", asked=True)
    assert asked is not None and (asked.name, asked.mode, asked.fields) == ("articles", "on", ("title", "body"))
    assert one.of("", asked=True) is None
    assert one.of("articles") is None  # another request that does not ask


def test_in_the_shadow_those_that_are_on_are_in_the_shadow() -> None:
    one = rules(shadow=True)
    assert one.describe()["indices"] == {"articles": "shadow", "news-*": "shadow", "news-old": "off"}


def test_the_switch_changes_one_rule_and_null_undoes_it() -> None:
    one = rules()
    one.set("articles", "off")
    assert found(one.of("articles")) == ("articles", "off")
    one.set("news-old", "on")
    assert found(one.of("news-old")) == ("news-old", "on")
    assert one.describe() == {"all": None, "indices": {"articles": "off", "news-*": "shadow", "news-old": "on"}}
    one.set("articles", None)
    one.set("articles", None)
    assert found(one.of("articles")) == ("articles", "on")


@pytest.mark.parametrize(
    ("everything", "expected"),
    [("off", ["off", "off", "off"]), ("shadow", ["shadow", "shadow", "off"]), ("on", ["on", "shadow", "off"])],
)
def test_of_the_switch_for_all_and_that_of_an_index_the_more_careful_one_counts(
    everything: Any, expected: list[str]
) -> None:
    one = rules()
    one.set(None, everything)
    modes = [found(one.of(index)) for index in ("articles", "news-2024", "news-old")]
    assert [None if mode is None else mode[1] for mode in modes] == expected
    assert one.everything_off == (everything == "off")
    one.set(None, None)
    assert not one.everything_off and found(one.of("articles")) == ("articles", "on")


@pytest.mark.parametrize(
    ("name", "mode"),
    [("other", "off"), ("", "off"), ("articles", "maybe"), ("articles", True), (None, 0), (None, ["off"]), (None, {})],
)
def test_what_is_not_known_is_refused(name: str | None, mode: Any) -> None:
    one = rules()
    with pytest.raises(SettingsError) as raised:
        one.set(name, mode)
    assert raised.value.field == "switch"
    assert one.describe()["all"] is None and one.switch.rules == {}


def test_other_definitions_replace_the_first_ones_while_the_switch_stays() -> None:
    one = rules()
    one.set("articles", "shadow")
    assert one.of("fresh") is None
    one.replace(IndexDefinitions.from_table({"articles": {}, "fresh": {}}))
    assert found(one.of("fresh")) == ("fresh", "on")
    assert found(one.of("articles")) == ("articles", "shadow")
    assert one.of("news-2024") is None
    with pytest.raises(SettingsError, match="known are: articles, fresh"):
        one.set("news-*", "off")


def test_names_that_callers_choose_are_not_remembered_without_bound() -> None:
    one = rules()
    for number in range(25_000):
        one.of(f"unknown-{number}")
    assert len(one._known) <= 10_001
    assert found(one.of("articles")) == ("articles", "on")
