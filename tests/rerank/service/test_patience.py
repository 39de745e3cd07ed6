"""Callers who send what is no request, headers without end, or never read their answers, are cut off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.rerank.service.raw_http import WAIT, Line, ask, chunked, request
from tests.rerank.service.running import Running, running_service
from tests.rerank.service.test_fuzz import check_good, resident_bytes

HEALTH = request("/health", method="GET")


@pytest.fixture(scope="module")
def hurried() -> Iterator[Running]:
    """A service that waits 2 seconds for what a caller is to do."""
    with running_service("--model", "resift-tiny", "--receive-seconds", "2") as found:
        yield found


def flood(service: Running, start: bytes, part: bytes, most: int) -> int:
    """Send `part` after `start`, `most` times at most, and return how often it was taken."""
    with Line(service.url) as line:
        line.send(start)
        for number in range(most):
            try:
                line.socket.sendall(part)
            except OSError:
                return number
    return most


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (b"GET /", b"a" * (1 << 20)),
        (b"GET /health HTTP/1.1\r\nX: ", b"a" * (1 << 20)),
        (b"GET /health HTTP/1.1\r\n", b"X-Header: value\r\n" * (1 << 16)),
        (
            b"POST /v1/rerank HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
            b"X-After: a\r\n" * (1 << 16),
        ),
        (b"POST /v1/rerank HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;", b"a" * (1 << 20)),
    ],
)
def test_headers_without_end_are_cut_off_before_they_take_memory(service: Running, start: bytes, part: bytes) -> None:
    before = resident_bytes(service)
    assert flood(service, start, part, 1000) < 1000
    assert resident_bytes(service) - before < 64 << 20
    check_good(service)


def test_long_headers_are_read_and_endless_ones_refused_with_431(service: Running) -> None:
    assert ask(service.url, request("/info", method="GET", headers={"X": "a" * 60_000})).status == 200
    with Line(service.url) as line:
        line.send(b"GET /info HTTP/1.1\r\nX: " + b"a" * (65 << 10))
        answer = line.answer()
        assert answer is not None and answer.status == 431 and line.ended()


def test_a_body_in_chunks_of_one_byte_is_read(service: Running) -> None:
    body = json.dumps({"query": "a", "documents": ["b" * 30_000]}).encode()
    parts = chunked(*(bytes([one]) for one in body))
    assert ask(service.url, request("/v1/rerank", parts, {"Transfer-Encoding": "chunked"})).status == 200


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (request("/health", b"x", {"Content-Length": "100000"}, "GET"), b"x"),
        (HEALTH, b"\r\n"),
        (HEALTH, b"\n"),
    ],
)
def test_a_connection_on_which_bytes_come_that_are_no_request_is_closed(
    hurried: Running, first: bytes, more: bytes
) -> None:
    with Line(hurried.url) as line:
        line.send(first)
        answer = line.answer()
        assert answer is not None and answer.status == 200
        line.socket.settimeout(0.2)
        ends = time.monotonic() + WAIT
        while time.monotonic() < ends:
            line.send(more)
            try:
                if line.ended():
                    return
            except TimeoutError:
                continue
    pytest.fail(f"the connection is still open after {WAIT} s")


def test_a_caller_who_never_reads_a_large_answer_is_cut_off(hurried: Running) -> None:
    body = json.dumps({"query": "a", "texts": ["x" * 1_900_000] * 12, "return_text": True}).encode()
    with Line(hurried.url) as line:
        line.send(request("/rerank", body))
        time.sleep(2 * 2 + 4)  # nothing is read meanwhile
        ends = time.monotonic() + WAIT
        assert len(line.rest()) < 20_000_000
        assert time.monotonic() < ends
    check_good(hurried)


def test_a_caller_who_reads_slowly_gets_all_of_a_large_answer(hurried: Running) -> None:
    body = json.dumps({"query": "a", "texts": ["x" * 1_000_000] * 12, "return_text": True}).encode()
    found = 0
    with Line(hurried.url) as line:
        line.send(request("/rerank", body, {"Connection": "close"}))
        while part := line.socket.recv(1 << 20):
            found += len(part)
            time.sleep(0.3)
    assert found > 12_000_000
