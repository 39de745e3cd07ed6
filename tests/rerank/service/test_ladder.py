"""The ladder of models: down under load, up again when it is calm for a while, and not at every request."""

from __future__ import annotations

import pytest

from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.service.ladder import DWELL, Ladder
from resift.rerank.service.model_specs import ladder_names, model_specs
from resift.rerank.service.settings import ServeSettings
from resift.rerank.settings import RerankSettings
from resift.retrieval.errors import SettingsError


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_goes_down_rung_by_rung_under_load_and_stays_at_the_last() -> None:
    clock = Clock()
    ladder = Ladder(["large", "small", "none"], clock)
    chosen = []
    for load in (0.6, 0.7, 0.8, 0.9):
        chosen.append(ladder.choose(load))
        clock.now += DWELL
    assert chosen == ["small", "none", "none", "none"]
    assert (ladder.steps_down, ladder.steps_up) == (2, 0)


def test_it_stays_while_what_waits_for_a_larger_model_is_being_finished() -> None:
    clock = Clock()
    ladder = Ladder(["large", "small", "none"], clock)
    chosen = []
    for load in (0.9, 0.8, 0.7, 0.6, 0.9):
        chosen.append(ladder.choose(load))
        clock.now += DWELL
    assert chosen == ["small", "small", "small", "small", "none"]


def test_a_burst_of_requests_at_one_moment_is_one_step() -> None:
    ladder = Ladder(["large", "small", "none"], Clock())
    assert [ladder.choose(0.9) for _ in range(50)] == ["small"] * 50


def test_it_goes_up_only_after_it_was_calm_for_a_while() -> None:
    clock = Clock()
    ladder = Ladder(["large", "small"], clock)
    assert ladder.choose(0.9) == "small"
    clock.now = 1.0
    assert ladder.choose(0.05) == "small"
    clock.now = 1.0 + DWELL / 2
    assert ladder.choose(0.3) == "small"  # not calm: the time starts again
    clock.now = 2.0 + DWELL / 2
    assert ladder.choose(0.05) == "small"
    clock.now = 2.0 + DWELL * 1.5
    assert ladder.choose(0.05) == "large"
    assert (ladder.steps_down, ladder.steps_up) == (1, 1)


def test_between_the_two_thresholds_the_rung_stays() -> None:
    clock = Clock()
    ladder = Ladder(["large", "small"], clock, rung=1)
    for _ in range(10):
        clock.now += DWELL
        assert ladder.choose(0.3) == "small"


@pytest.mark.parametrize("given", ["resift-small", "a,a", "none,a", "a,none,b", ","])
def test_what_is_not_a_ladder_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="is not a ladder"):
        ladder_names(ServeSettings(ladder=given))


def test_the_models_of_the_ladder_can_be_loaded() -> None:
    serve = ServeSettings(ladder="org/large, resift-tiny,none", serve_model="fast=resift-tiny?passages=3&max_length=64")
    specs = model_specs(serve, ScorerSettings(), RerankSettings())
    assert list(specs) == ["resift-small", "resift-base", "resift-tiny", "fast", "org/large"]
    assert specs["fast"].scorer.model == "resift-tiny" and specs["fast"].scorer.max_length == 64
    assert specs["fast"].rerank.passages == 3 and specs["org/large"].rerank.passages == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("=x", "does not name a model"),
        ("a=", "does not name a model"),
        ("a?passages=0", "passages=0 is not known"),
        ("a?colour=1", "colour=1 is not known; expected passages=N or max_length=N"),
        ("a?passages=", "passages= is not known"),
    ],
)
def test_a_further_model_that_cannot_be_read_is_refused(given: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        model_specs(ServeSettings(serve_model=given), ScorerSettings(), RerankSettings())


def test_a_service_without_a_model_is_refused() -> None:
    with pytest.raises(SettingsError, match="a service needs a model"):
        model_specs(ServeSettings(), ScorerSettings(model="none"), RerankSettings())
