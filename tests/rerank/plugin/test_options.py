"""The options of a wrapped search: which values are refused, and what a deadline means."""

from __future__ import annotations

from typing import Any

import pytest

from resift.rerank.plugin.options import SearchOptions
from resift.retrieval.errors import SettingsError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("rank_window_size", value) for value in (0, -1, 1.5, "5", True, float("nan"))),
        *(("deadline_ms", value) for value in (0, -1.0, "5", True, float("nan"))),
        *(("model", value) for value in (5, b"none", True)),
        *(("query_text", value) for value in (5, ["soup"])),
        *(("keep_promoted", value) for value in (1, "no")),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_under_its_name(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match="is not ") as caught:
        SearchOptions().take({name: value})
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("deadline_ms", "seconds"), [(None, None), (500, 0.5), (0.5, 0.0005), (float("inf"), None), (1e300, None)]
)
def test_a_deadline_is_in_seconds_or_without_limit(deadline_ms: float | None, seconds: float | None) -> None:
    assert SearchOptions(deadline_ms=deadline_ms).seconds == seconds


def test_taken_options_are_removed_from_the_arguments_and_the_others_stay() -> None:
    arguments: dict[str, Any] = {"size": 3, "model": "none", "enabled": False}
    assert SearchOptions(5).take(arguments) == SearchOptions(5, "none", enabled=False)
    assert arguments == {"size": 3}
