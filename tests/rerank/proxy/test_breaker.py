"""The circuit breaker: when it opens, probes and closes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.proxy.breaker import Breaker


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker = Breaker(3, 5.0, Clock())
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert (breaker.state, breaker.allows()) == ("closed", True)
    for _ in range(3):
        breaker.failed()
    assert (breaker.state, breaker.allows()) == ("open", False)


def test_after_the_pause_one_search_probes_and_its_success_closes_it() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock)
    breaker.failed()
    clock.now = 4.9
    assert (breaker.state, breaker.allows()) == ("open", False)
    clock.now = 5.0
    assert [breaker.allows(), breaker.allows(), breaker.state] == [True, False, "half-open"]
    breaker.succeeded()
    assert [breaker.allows(), breaker.allows(), breaker.state] == [True, True, "closed"]


def test_each_failed_probe_doubles_the_pause_up_to_a_minute_and_a_success_makes_it_short_again() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock)
    breaker.failed()
    pauses = []
    for _ in range(6):
        began = clock.now
        while not breaker.allows():
            clock.now += 1.0
        pauses.append(clock.now - began)
        breaker.failed()
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    clock.now += 60.0
    assert breaker.allows()
    breaker.succeeded()
    breaker.failed()
    clock.now += 5.0
    assert breaker.allows()


def test_a_probe_that_ends_for_another_reason_lets_the_next_search_probe() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock)
    breaker.failed()
    clock.now = 5.0
    assert breaker.allows()
    breaker.unknown()
    assert breaker.allows()


def test_failures_of_searches_that_began_before_it_opened_do_not_make_the_pause_longer() -> None:
    clock = Clock()
    breaker = Breaker(2, 5.0, clock)
    for _ in range(10):
        breaker.failed()
        clock.now += 0.1
    clock.now = 5.2
    assert breaker.allows()


@given(st.lists(st.sampled_from(["search", "succeeded", "failed", "unknown", "wait"]), max_size=200), st.integers(1, 4))
def test_whatever_happens_a_search_may_probe_after_at_most_a_minute(events: list[str], failures: int) -> None:
    clock = Clock()
    breaker, running = Breaker(failures, 1.0, clock), 0
    for event in events:
        if event == "wait":
            clock.now += 0.7
        elif event == "search":
            running += breaker.allows()
        elif running:
            running -= 1
            getattr(breaker, event)()
    for _ in range(running):
        breaker.unknown()
    clock.now += 60.0
    assert breaker.allows()
