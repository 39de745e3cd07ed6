"""What is to be known after a switch: an index in the shadow that nothing shows, or no index at all."""

from __future__ import annotations

import pytest

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.proxy.fields import FieldChooser
from resift.rerank.proxy.http.engine import Engine
from resift.rerank.proxy.rules import Rules
from resift.rerank.proxy.switching import Switching
from resift.rerank.settings import RerankSettings


def switching(rules: Rules, logged: bool = False) -> Switching:
    return Switching(rules, FieldChooser(Engine([])), logged, lambda: IndexDefinitions.from_table({}))


@pytest.mark.parametrize(("logged", "count"), [(True, 0), (False, 1)])
def test_an_index_in_the_shadow_without_a_log_is_noted(logged: bool, count: int) -> None:
    rules = Rules(("articles",), IndexDefinitions.from_table({}), RerankSettings())
    one = switching(rules, logged)
    assert one.notes() == []
    rules.set("articles", "shadow")
    found = one.switched()
    assert len(found) == count and all("without a log" in note for note in found)


def test_definitions_without_an_index_are_noted_when_they_are_read_again(caplog: pytest.LogCaptureFixture) -> None:
    rules = Rules((), IndexDefinitions.from_table({"articles": {}}), RerankSettings())
    one = switching(rules)
    assert one.notes() == []
    one.reread()
    assert rules.describe()["indices"] == {}
    assert "no index is reranked" in caplog.text
