"""Attacks on a running service: each is refused or bounded, and others are served meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.rerank.service.raw_http import WAIT, Line, ask, request
from tests.rerank.service.running import Running, running_service
from tests.rerank.service.test_fuzz import GOOD, check_good, resident_bytes

MEGABYTE = b"x" * (1 << 20)
HEALTH = request("/health", method="GET")


@pytest.fixture(scope="module")
def hurried() -> Iterator[Running]:
    """A service that waits 2 seconds for headers, and as long for a body."""
    with running_service("--model", "resift-tiny", "--receive-seconds", "2") as found:
        yield found


@contextmanager
def trickling(lines: list[Line], byte: bytes) -> Iterator[None]:
    """Send `byte` on each of `lines` now and then, in a thread, until the block ends."""
    over = threading.Event()

    def trickle() -> None:
        while not over.wait(0.3):
            for line in lines:
                line.send(byte)

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_100_mb_is_refused_without_being_kept(service: Running, declared: bool) -> None:
    check_good(service)
    before = resident_bytes(service)
    with Line(service.url) as line:
        length = {"Content-Length": str(100 << 20)} if declared else {"Transfer-Encoding": "chunked"}
        line.send(request("/v1/rerank", headers=length))
        for _ in range(100):
            line.send(MEGABYTE if declared else b"100000\r\n" + MEGABYTE + b"\r\n")
        line.send(b"" if declared else b"0\r\n\r\n")
        answer = line.answer()
    assert answer is not None
    assert (answer.status, answer.json()["error_type"], answer.headers["connection"]) == (413, "TooLarge", "close")
    assert resident_bytes(service) - before < 80 << 20  # the largest body that is accepted has 32 MB
    check_good(service)


def test_a_body_of_100_mb_is_refused_before_it_is_sent_if_its_sender_asks_first(service: Running) -> None:
    headers = {"Content-Length": str(100 << 20), "Expect": "100-continue"}
    assert ask(service.url, request("/v1/rerank", headers=headers)).status == 413


def test_200_connections_that_send_headers_or_bodies_byte_by_byte_are_closed_and_others_served(
    hurried: Running,
) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(hurried.url)) for _ in range(200)]
        for line in lines[:100]:
            line.send(b"POST /v1/rerank HTTP/1.1\r\nX-Slow: ")
        for line in lines[100:]:
            line.send(request("/v1/rerank", b"{", {"Content-Length": "1000"}))
        with trickling(lines, b" "):
            for _ in range(20):
                check_good(hurried)
            for line in lines[:100]:
                assert line.answer() is None
            for line in lines[100:]:
                answer = line.answer()
                assert answer is not None
                assert (answer.status, answer.json()["error_type"]) == (408, "Timeout")
                assert line.ended()
    check_good(hurried)


def test_300_idle_connections_do_not_keep_others_out_and_can_be_used_again(service: Running) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(service.url)) for _ in range(300)]
        for _ in range(2):
            for line in lines:
                line.send(HEALTH)
            for line in lines:
                answer = line.answer()
                assert answer is not None and answer.status == 200
            for _ in range(20):
                check_good(service)


def test_with_too_many_requests_open_others_get_429_and_the_health_pages_answer() -> None:
    body = b'{"query": "a", "documents": ["b"]}'
    with running_service("--model", "resift-tiny", "--max-requests", "5") as service, ExitStack() as stack:
        lines = [stack.enter_context(Line(service.url)) for _ in range(5)]
        for line in lines:
            line.send(request("/v1/rerank", body[:-1], {"Content-Length": str(len(body))}))
        answer = ask(service.url, GOOD)
        ends = time.monotonic() + WAIT
        while answer.status == 200 and time.monotonic() < ends:  # not all five have been read yet
            answer = ask(service.url, GOOD)
        assert (answer.status, answer.json()["error_type"]) == (429, "Overloaded")
        assert int(answer.headers["retry-after"]) >= 1
        assert ask(service.url, HEALTH).status == 200
        assert ask(service.url, request("/ready", method="GET")).status == 200
        for line in lines:
            line.send(body[-1:])
            finished = line.answer()
            assert finished is not None and finished.status == 200
        check_good(service)


def test_bodies_that_are_received_at_once_are_bounded_together() -> None:
    with running_service("--model", "resift-tiny", "--max-body-mb", "1") as service, ExitStack() as stack:
        lines = [stack.enter_context(Line(service.url)) for _ in range(12)]
        for line in lines:
            line.send(request("/v1/rerank", MEGABYTE[:-10], {"Content-Length": str(len(MEGABYTE))}))
        check_good(service)
        for line in lines:
            line.finish()
        found = [answer.status for line in lines if (answer := line.answer()) is not None]
        assert found and set(found) == {429}
        check_good(service)


@pytest.mark.parametrize(
    "given",
    ["a b", "a\x0bb", "<script>", "x" * 129, "\xe9", "a%0d%0aSet-Cookie: b", "a\rSet-Cookie: b", "a\nSet-Cookie: b"],
)
def test_a_request_id_with_other_characters_is_not_echoed(service: Running, given: str) -> None:
    answer = ask(service.url, request("/info", method="GET", headers={"X-Request-Id": given}))
    assert "set-cookie" not in answer.headers
    assert given not in answer.headers.get("x-request-id", "") and given.encode("latin-1") not in answer.body


def test_a_proper_request_id_is_echoed_in_the_reply_and_the_log(service: Running) -> None:
    answer = ask(service.url, request("/v1/rerank", b"{}", {"X-Request-Id": "trace-1.a/b:c"}))
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "trace-1.a/b:c"
    ends = time.monotonic() + WAIT
    while not any(line.get("request_id") == "trace-1.a/b:c" for line in service.lines):
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_the_log_has_no_text_of_any_request_unless_queries_are_asked_for() -> None:
    bodies = (
        b'{"query": "zebra", "documents": ["zebra zebra"], "model": "zebra", "zebra": 1}',
        b'{"query": "zebra", "documents": [{"zebra": "zebra"}], "rank_fields": ["x"]}',
        b'{"query": "zebra", "documents": ["zebra"], "top_n": "zebra"}',
        b'{"query": "zebra"',
        b'{"text_1": "zebra", "text_2": "zebra"}',
    )
    for options in ((), ("--log-queries",)):
        with running_service("--model", "resift-tiny", *options) as service:
            for path in ("/rerank", "/v1/rerank", "/v2/rerank", "/score"):
                for body in bodies:
                    assert ask(service.url, request(path, body)).status in (200, 400, 422)
            assert service.stop() == 0
            service.wait_for("stopped")
            shown = [line for line in service.lines if "zebra" in json.dumps(line)]
            assert {line.get("query") for line in shown} == ({"zebra"} if options else set())
            assert not service.plain


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/docs/../../etc/passwd",
        "/docs/%00",
        "//etc/passwd",
        "/docs/..\\..\\etc\\passwd",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/%0d%0aSet-Cookie:%20a=b",
        "/openapi.json%00.html",
    ],
)
def test_a_path_leads_to_no_file_and_into_no_header(service: Running, path: str) -> None:
    answer = ask(service.url, request(path, method="GET"))
    assert (answer.status, answer.json()["error_type"]) == (404, "NotFound")
    assert b"root:" not in answer.body and "set-cookie" not in answer.headers


MODELS = [
    "../../etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "cross-encoder/ms-marco-MiniLM-L6-v2",
    "http://127.0.0.1:9/model",
    "resift-tiny/../resift-tiny",
    "resift-tiny\r\nSet-Cookie: a=b",
    "none",
    "\x00",
]


def test_unknown_model_names_load_nothing_and_the_default_model_answers() -> None:
    with running_service("--model", "resift-tiny") as service:
        for name in MODELS:
            body = json.dumps({"query": "a", "documents": ["b"], "model": name}).encode()
            answer = ask(service.url, request("/v1/rerank", body))
            assert (answer.status, answer.json()["model"]) == (200, "resift-tiny")
            assert answer.headers["x-resift-model"] == "resift-tiny" and "set-cookie" not in answer.headers
        assert [line["model"] for line in service.lines if line["event"] == "model loaded"] == ["resift-tiny"]


def test_unknown_model_names_are_refused_if_models_are_strict() -> None:
    with running_service("--model", "resift-tiny", "--strict-models") as service:
        for name in MODELS:
            body = json.dumps({"text_1": "a", "text_2": "b", "model": name}).encode()
            answer = ask(service.url, request("/score", body))
            assert (answer.status, answer.json()["error_type"]) == (404, "NotFound")
        assert [line["model"] for line in service.lines if line["event"] == "model loaded"] == ["resift-tiny"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example/v1/rerank?", "[evil", "", "a b", "evil.example:99999999"]
)
def test_a_false_host_changes_no_answer_and_is_not_echoed(service: Running, host: str) -> None:
    for name in ("Host", "X-Forwarded-Host", "Forwarded", "X-Original-URL"):
        answer = ask(service.url, request("/score", b'{"text_1": "a", "text_2": "b"}', {"Host": "a", name: host}))
        assert answer.status == 200
        assert not host or host.encode() not in answer.body and host not in "".join(answer.headers.values())
