"""Retrying a call: what is retried, how often, for how long, and what ends a wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from resift.retrieval.engine.client_errors import UNTRUSTED
from resift.retrieval.engine.retry import LONGEST_WAIT, Patience, Retry, StoppedError, backoff, is_transient, once
from resift.retrieval.errors import SettingsError, StatusError


def status(code: int, kind: str = "") -> StatusError:
    return StatusError("it says no", "http://engine", code, kind)


def no_wait(retry: int) -> float:
    return 0.0


class Flaky:
    """Raises the given errors one after the other, then returns how often it was called."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.calls


@pytest.mark.parametrize("code", [0, 429, 502, 503, 504])
def test_a_transient_error_is_retried(code: int) -> None:
    assert Retry(attempts=3, wait=no_wait).call(Flaky(status(code), status(code))) == 3


@pytest.mark.parametrize("error", [status(400), status(401), status(500), status(0, UNTRUSTED), SettingsError("x")])
def test_any_other_error_is_raised_at_once(error: Exception) -> None:
    act = Flaky(error)
    with pytest.raises(type(error)) as raised:
        Retry(attempts=3, wait=no_wait).call(act)
    assert raised.value is error and act.calls == 1


def test_the_last_error_is_raised_after_the_last_attempt() -> None:
    last = status(503)
    act = Flaky(status(429), status(502), last)
    with pytest.raises(StatusError) as raised:
        Retry(attempts=3, wait=no_wait).call(act)
    assert raised.value is last and act.calls == 3


def test_once_makes_one_attempt() -> None:
    act = Flaky(status(503), status(503))
    with pytest.raises(StatusError):
        once().call(act)
    assert act.calls == 1


def test_another_definition_of_transient_replaces_ours() -> None:
    act = Flaky(status(429))
    with pytest.raises(StatusError):
        Retry(attempts=3, wait=no_wait, transient=lambda error: False).call(act)
    assert act.calls == 1


def test_a_result_that_is_not_a_success_is_retried_and_the_last_one_returned() -> None:
    assert Retry(attempts=5, wait=no_wait).call(Flaky(), lambda calls: calls == 3) == 3
    assert Retry(attempts=2, wait=no_wait).call(Flaky(), lambda calls: calls == 3) == 2


def test_exhausted_patience_ends_the_attempts_but_the_first_is_always_made() -> None:
    act = Flaky(status(503), status(503))
    with pytest.raises(StatusError):
        Retry(patience=Patience(-1.0), wait=no_wait).call(act)
    assert act.calls == 1


def test_patience_that_is_not_exhausted_allows_any_number_of_attempts() -> None:
    assert Retry(patience=Patience(60.0), wait=no_wait).call(Flaky(*[status(503)] * 50)) == 51


def test_the_wait_is_given_the_number_of_the_retry_from_0() -> None:
    waits: list[int] = []
    Retry(attempts=4, wait=recorded(waits)).call(Flaky(*[status(503)] * 3))
    assert waits == [0, 1, 2]


def test_progress_restarts_the_patience_and_counts_attempts_from_0() -> None:
    waits: list[int] = []
    patience = Patience(0.5)
    retry = Retry(attempts=3, patience=patience, wait=recorded(waits))
    act = Flaky(*[status(429)] * 4)

    def partly() -> int:
        if act.calls == 2:
            time.sleep(0.6)
            assert patience.exhausted
            retry.progressed()
            assert not patience.exhausted
        return act()

    assert retry.call(partly) == 5
    assert waits == [0, 1, 0, 1]


def recorded(waits: list[int]) -> Callable[[int], float]:
    def wait(retry: int) -> float:
        waits.append(retry)
        return 0.0

    return wait


def test_an_event_ends_a_wait_at_once() -> None:
    stop = threading.Event()
    calls = []

    def act() -> None:
        calls.append(1)
        stop.set()
        raise status(503)

    started = time.monotonic()
    with pytest.raises(StoppedError):
        Retry(attempts=2, wait=lambda retry: 60.0, stop=stop).call(act)
    assert calls == [1] and time.monotonic() - started < 30.0


def test_a_retry_without_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="attempts, patience"):
        Retry()


def test_waits_are_random_and_their_limit_doubles_up_to_the_longest() -> None:
    for retry, limit in ((0, 0.25), (1, 0.5), (4, 4.0), (9, LONGEST_WAIT), (10_000, LONGEST_WAIT)):
        waits = [backoff(retry) for _ in range(200)]
        assert 0.1 <= min(waits) < max(waits) <= limit


def test_a_certificate_that_is_not_trusted_is_not_transient() -> None:
    assert is_transient(status(0)) and not is_transient(status(0, UNTRUSTED))


def test_a_wait_is_never_longer_than_the_patience_that_is_left() -> None:
    act = Flaky(*[status(503)] * 9)
    patience = Patience(0.2)
    with pytest.raises(StatusError):
        Retry(patience=patience, wait=lambda retry: 60.0).call(act)
    assert act.calls == 2 and patience.exhausted


def test_no_call_is_made_once_it_is_stopped() -> None:
    stop, act = threading.Event(), Flaky()
    stop.set()
    with pytest.raises(StoppedError):
        Retry(attempts=3, stop=stop).call(act)
    assert act.calls == 0


def test_patience_does_not_run_out_while_nothing_is_under_way() -> None:
    patience = Patience(0.05)
    time.sleep(0.1)
    assert patience.exhausted
    with patience.running():
        assert not patience.exhausted
        time.sleep(0.1)
        with patience.running():
            assert patience.exhausted
