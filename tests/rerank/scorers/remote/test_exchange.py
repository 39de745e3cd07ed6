"""The steps of one request: what is retried, how long is waited, and when it is given up. Nothing is sent here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from resift.rerank.scorers.remote.exchange import (
    ATTEMPTS,
    Ask,
    Exchange,
    Pause,
    Reply,
    TooLargeError,
    UnreachableError,
    backoff,
    retry_after,
)
from resift.rerank.scorers.remote.keys import Key
from resift.retrieval.errors import ModelError

ASK = Ask("http://host/v1/rerank", b"{}")


def exchange(key: str = "", patience: float = 60.0, clock: Any = lambda: 0.0) -> Exchange:
    return Exchange("http://host", Key(key, "RESIFT_MODEL_API_KEY"), patience, clock)


def reply(status: int, content: bytes = b"{}", **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def drive(steps: Any, *answers: Reply | UnreachableError) -> tuple[Any, list[float]]:
    """Give `answers` to the requests of `steps`; return what they return, and the seconds of their pauses."""
    pauses, waiting, given = list[float](), list(answers), None
    while True:
        try:
            step = steps.throw(given) if isinstance(given, UnreachableError) else steps.send(given)
        except StopIteration as end:
            assert not waiting, "not all answers were asked for"
            return end.value, pauses
        if isinstance(step, Pause):
            pauses.append(step.seconds)
            given = None
        else:
            assert step == ASK
            given = waiting.pop(0)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_transient_status_is_retried(status: int) -> None:
    found, pauses = drive(exchange().json(ASK), reply(status), reply(status), reply(200, b"[1]"))
    assert found == [1] and len(pauses) == 2


def test_a_lost_connection_is_retried() -> None:
    found, pauses = drive(exchange().json(ASK), UnreachableError("lost", transient=True), reply(200, b"[1]"))
    assert found == [1] and len(pauses) == 1


def test_a_late_reply_is_not_retried() -> None:
    with pytest.raises(ModelError, match="^http://host: late$"):
        drive(exchange().json(ASK), UnreachableError("late", transient=False))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 500, 501])
def test_another_status_is_not_retried(status: int) -> None:
    with pytest.raises(ModelError, match=f"^http://host: the server answered {status}"):
        drive(exchange().json(ASK), reply(status))


def test_a_server_that_is_down_is_asked_a_few_times() -> None:
    with pytest.raises(ModelError, match="answered 503: loading; 5 attempts failed"):
        drive(exchange().json(ASK), *[reply(503, b'{"error": "loading"}')] * ATTEMPTS)


def test_a_server_that_is_overloaded_is_asked_until_the_patience_ends() -> None:
    times = iter(range(0, 1000, 5))
    steps = exchange(clock=lambda: float(next(times))).json(ASK)
    with pytest.raises(ModelError, match="answered 429; 12 attempts failed"):
        drive(steps, *[reply(429)] * 12)


def test_the_time_that_the_server_names_is_waited() -> None:
    _, [seconds] = drive(exchange().json(ASK), reply(429, retry_after="7"), reply(200))
    assert 7.0 <= seconds <= 7.7


def test_a_time_beyond_the_patience_is_not_waited() -> None:
    with pytest.raises(ModelError, match="429: slow down; it is to be asked again in 90 seconds, which is too long"):
        drive(exchange().json(ASK), reply(429, b'{"message": "slow down"}', retry_after="90"))


def test_the_time_is_a_number_of_seconds_or_a_date() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert retry_after("120", now) == 120.0
    assert retry_after("Thu, 01 Jan 2026 12:00:30 GMT", now) == 30.0
    assert retry_after("Thu, 01 Jan 2026 11:00:00 GMT", now) == 0.0
    assert [retry_after(text, now) for text in (None, "", "soon", "-1", "nan", "99999999999999")] == [None] * 6


def test_waits_are_random_and_their_limit_doubles() -> None:
    for retry, limit in enumerate([0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]):
        waits = {backoff(retry) for _ in range(50)}
        assert len(waits) > 1 and all(0.1 <= seconds <= limit for seconds in waits)


@pytest.mark.parametrize(
    ("status", "text", "by_count"),
    [
        (413, b"", False),
        (422, b'{"error": "batch size 40 > maximum allowed batch size 32"}', True),
        (400, b'{"message": "too many documents"}', True),
        (413, b'{"error": "batch size 40 is too large"}', True),
        (400, b'{"detail": "Your batch has 900000 tokens. Please lower the number of tokens in the batch."}', True),
    ],
)
def test_a_request_that_is_too_large_is_an_error_of_its_own(status: int, text: bytes, by_count: bool) -> None:
    with pytest.raises(TooLargeError) as caught:
        drive(exchange().json(ASK), reply(status, text))
    assert caught.value.by_count == by_count


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_by_its_variable_and_never_shown(status: int) -> None:
    echo = b'{"error": {"message": "Incorrect API key: sec-ret-1"}}'
    with pytest.raises(ModelError, match="key: …; the key in RESIFT_MODEL_API_KEY is refused") as caught:
        drive(exchange("sec-ret-1").json(ASK), reply(status, echo))
    assert "sec-ret" not in str(caught.value)
    with pytest.raises(ModelError, match="set a key in RESIFT_MODEL_API_KEY"):
        drive(exchange().json(ASK), reply(status))


def test_a_redirection_is_an_error_that_names_the_place_without_secrets() -> None:
    elsewhere = reply(307, location="https://me:pa55@other:9/rerank?token=pa55")
    with pytest.raises(ModelError, match="redirects to https://other:9/rerank, which is not followed") as caught:
        drive(exchange().json(ASK), elsewhere)
    assert "pa55" not in str(caught.value)


def test_an_error_has_the_text_of_the_server_in_any_of_its_usual_places() -> None:
    texts = [b'{"error": "x"}', b'{"message": "x"}', b'{"detail": [{"msg": "x"}]}', b'{"error": {"message": "x"}}']
    for text in texts:
        with pytest.raises(ModelError, match="^http://host: the server answered 400: x$"):
            drive(exchange().json(ASK), reply(400, text))
    for text in (b"<html>", b"", b"[]", b"null", b"\xff"):
        with pytest.raises(ModelError, match="^http://host: the server answered 400$"):
            drive(exchange().json(ASK), reply(400, text))
