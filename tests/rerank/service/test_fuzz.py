"""Thousands of malformed requests: each is answered or cut off, and none harms the service."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random

import pytest

from tests.rerank.service.fuzz_requests import BOMB, Attempt, attempt
from tests.rerank.service.raw_http import Answer, Line, ask, request
from tests.rerank.service.running import Running, running_service

REQUESTS = 5000
GROWTH = 64 << 20
"""Bytes that a service may grow by in the second half of the requests: buffers of the largest take that much."""

GOOD = request("/v1/rerank", b'{"query": "what do cats eat", "documents": ["Dogs bark.", "Cats eat fish."]}')
PARSER_MESSAGE = b"Invalid HTTP request received."


def resident_bytes(service: Running) -> int:
    """Return how much memory the process has, 0 where that is not known."""
    path = Path(f"/proc/{service.process.pid}/status")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS")), 0)


def check(answer: Answer, sent: bytes) -> None:
    """Fail if an answer is not one of ours, or if it says that the service failed."""
    shown = (sent[:300], answer)
    assert answer.status in (200, 400, 404, 405, 408, 413, 415, 422, 429, 431), shown
    if answer.status == 200:
        if answer.headers["content-type"] == "application/json" and answer.body:
            answer.json()
    elif answer.headers.get("content-type") == "application/json" and answer.body:
        found = answer.json()
        assert found["error"] and found["error_type"] and found["message"] == found["error"], shown
        assert found["request_id"] == answer.headers["x-request-id"], shown
    elif answer.status != 431:
        assert answer.status in (400, 404, 405) and answer.body in (PARSER_MESSAGE, b""), shown


def exchange(line: Line, one: Attempt) -> bool:
    """Send a request and check what is answered; returns whether the connection can be used again."""
    line.send(one.data)
    if not one.whole:
        line.finish()
    answer = line.answer(to_head=one.data.startswith(b"HEAD"))
    if answer is not None:
        check(answer, one.data)
    else:
        assert not one.whole, one.data[:300]
    if one.framed and answer is not None and answer.headers.get("connection") != "close":
        return True
    line.finish()
    while answer is not None:
        answer = line.answer()
        if answer is not None:
            check(answer, one.data)
    return False


def check_good(service: Running) -> None:
    """Fail if a good request is not answered well."""
    answer = ask(service.url, GOOD)
    assert answer.status == 200, answer
    assert [result["index"] for result in answer.json()["results"]] == [1, 0]


def check_log(service: Running) -> None:
    """Fail if something went wrong within the service, or if its log has a text of a request."""
    assert not service.plain
    assert not [line for line in service.lines if line["level"] == "error" or "traceback" in line]
    assert "cats eat" not in json.dumps(service.lines)


def test_five_thousand_malformed_requests_cause_no_5xx_no_crash_and_no_leak() -> None:
    random = Random(20)
    half = 0
    with running_service("--model", "resift-tiny", "--score-cache-mb", "1", "--receive-seconds", "30") as service:
        line = Line(service.url)
        for number in range(REQUESTS):
            one = attempt(random)
            if not exchange(line, one):
                line.close()
                line = Line(service.url)
            if number % 100 == 99:
                check_good(service)
            if number == REQUESTS // 2:
                half = resident_bytes(service)
        line.close()
        assert resident_bytes(service) - half < GROWTH
        check_log(service)
        assert service.stop() == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/rerank", rb'{"query": "\ud800", "texts": ["\udfff", "a\ud83db"], "return_text": true}'),
        (
            "/v1/rerank",
            rb'{"query": "\ud800 a", "documents": [{"text": "\udfff", "\ud800": "\udc00"}, "a"], "\ud800": 1}',
        ),
        ("/v2/rerank", rb'{"query": "a", "documents": ["\ud800\ud800", "\udfff\ud800"], "model": "\ud800"}'),
        ("/score", rb'{"text_1": "\ud800", "text_2": ["\udfff", "\ud800"], "details": true}'),
        ("/score", rb'{"text_1": ["", "\u0000"], "text_2": ["\u0000", ""]}'),
        ("/v1/rerank", b'{"query": "a", "documents": [1], "documents": ["a", "b"]}'),
        ("/v1/rerank", b'\xef\xbb\xbf{"query": "a", "documents": ["a", "b"], "top_n": 2.0, "priority": 1e1}'),
        ("/v1/rerank", b'{"query": "a", "documents": ["a", "b"], "unknown": %s}' % (b"[" * 99 + b"]" * 99)),
        ("/v1/rerank", b'{"query": "a", "documents": ["a", "b"], "unknown": "%s"}' % (b"[" * 99_999)),
    ],
)
def test_odd_requests_that_are_valid_are_answered(service: Running, path: str, body: bytes) -> None:
    answer = ask(service.url, request(path, body))
    assert answer.status == 200, answer
    found = answer.json()
    results = found if isinstance(found, list) else found.get("results", found.get("data"))
    assert sorted(result["index"] for result in results) == [0, 1]


def of(value: bytes, member: bytes = b"first_stage_scores") -> bytes:
    return b'{"query": "a", "documents": ["b"], "%s": %s}' % (member, value)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "Empty"),
        (b"{}", 422, "Validation"),
        (b"[]", 422, "Validation"),
        (b"null", 422, "Validation"),
        (b'{"query": "", "documents": [""]}', 400, "Empty"),
        (b'{"query": " \\n", "documents": [""]}', 400, "Empty"),
        (b'{"query": "a", "documents": []}', 400, "Empty"),
        (b'{"query": "a", "documents": null}', 422, "Validation"),
        (b'{"query": "a", "documents": "\\ud800"}', 422, "Validation"),
        (b'{"query": "\xff", "documents": ["b"]}', 400, "Validation"),
        (of(b"[1" + b"0" * 400 + b"]"), 422, "Validation"),
        (of(b"[1e400]"), 422, "Validation"),
        (of(b"[NaN]"), 400, "Validation"),
        (of(b"9" * 5000, b"unknown"), 400, "Validation"),
        (of(b"1e400", b"unknown"), 422, "Validation"),
        (of(b"[" * 100_000, b"unknown"), 400, "Validation"),
        (of(b"[" * 100_000 + b"]" * 100_000, b"unknown"), 400, "Validation"),
        (of(b'{"a":' * 300 + b"1" + b"}" * 300, b"unknown"), 400, "Validation"),
        (of(b'["\\ud800"]', b"rank_fields")[:-1] + b', "documents": [{"text": "a"}]}', 422, "Validation"),
        (of(b"[" + b'"a",' * 19_999 + b'"a"]', b"documents"), 413, "TooLarge"),
        (of(b'["' + b"x" * 2_100_000 + b'"]', b"documents"), 413, "TooLarge"),
        (of(b"[" + b"[]," * 1_100_000 + b"1]", b"documents"), 413, "TooLarge"),
    ],
)
def test_a_bad_request_is_refused_with_a_status_that_says_why(
    service: Running, body: bytes, status: int, kind: str
) -> None:
    answer = ask(service.url, request("/v1/rerank", body))
    assert (answer.status, answer.json()["error_type"]) == (status, kind), answer


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(b'{"query": "a", "documents": ["b"]}', mtime=0), 200),
        ("gzip", gzip.compress(b'{"query": "a", "documents": ["b"]}', mtime=0)[:-3], 400),
        ("gzip", b'{"query": "a", "documents": ["b"]}', 400),
        ("gzip", BOMB, 413),
        ("br", b"", 415),
    ],
)
def test_compressed_bodies_are_unpacked_within_the_limit_of_the_body(
    service: Running, encoding: str, body: bytes, status: int
) -> None:
    assert ask(service.url, request("/v1/rerank", body, {"Content-Encoding": encoding})).status == status
