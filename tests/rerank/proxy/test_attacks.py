"""Requests that are wrong on purpose are refused, and what the engine reads is what the proxy read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from resift.rerank.proxy.http.request_reader import MOST_HEADER_BYTES
from tests.rerank.proxy.fake_engine import OK, Visit, answering, response, silent
from tests.rerank.proxy.passing import Passing, passing
from tests.rerank.service.raw_http import Line

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
REFUSED = {
    "a length and chunks": b"POST /a HTTP/1.1\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks and a length": b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 40\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": b"POST /a HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n" + HIDDEN,
    "two equal lengths": b"POST /a HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN,
    "a list of lengths": b"POST /a HTTP/1.1\r\nContent-Length: 2, 2\r\n\r\n{}" + HIDDEN,
    "a length with a sign": b"POST /a HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}" + HIDDEN,
    "a length that is too large": b"POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
    "a hexadecimal length": b"POST /a HTTP/1.1\r\nContent-Length: 0x2\r\n\r\n{}" + HIDDEN,
    "an empty length": b"POST /a HTTP/1.1\r\nContent-Length:\r\n\r\n" + HIDDEN,
    "a space before the colon": b"POST /a HTTP/1.1\r\nContent-Length : 40\r\n\r\n" + HIDDEN,
    "chunked in quotes": b'POST /a HTTP/1.1\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n' + HIDDEN,
    "an unknown coding": b"POST /a HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a coding within the chunks": b"POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked twice": b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked and identity": b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked in HTTP/1.0": b"POST /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a chunk with a sign": b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + HIDDEN,
    "a chunk that is too large": b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "a chunk with a bare LF": b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n" + HIDDEN,
    "a chunk that is too long": b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}}0\r\n\r\n" + HIDDEN,
    "a length in the trailers": b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 40\r\n\r\n" + HIDDEN,
    "a folded header": b"GET /a HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n",
    "a first header that is indented": b"GET /a HTTP/1.1\r\n A: b\r\n\r\n",
    "lines with a bare LF": b"GET /a HTTP/1.1\nA: b\n\n",
    "one line with a bare LF": b"GET /a HTTP/1.1\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n",
    "a bare CR": b"GET /a HTTP/1.1\r\nA: b\rTransfer-Encoding: chunked\r\n\r\n",
    "a NUL in a header": b"GET /a HTTP/1.1\r\nA: b\x00c\r\n\r\n",
    "a NUL in the target": b"GET /a\x00b HTTP/1.1\r\n\r\n",
    "a control character in a header": b"GET /a HTTP/1.1\r\nA: b\x01\r\n\r\n",
    "a header name with a space": b"GET /a HTTP/1.1\r\nA B: c\r\n\r\n",
    "a header without a name": b"GET /a HTTP/1.1\r\n: c\r\n\r\n",
    "a target with a space": b"GET /a b HTTP/1.1\r\n\r\n",
    "a target with a tab": b"GET /a\tb HTTP/1.1\r\n\r\n",
    "a target with a scheme": b"GET http://other/a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is no path": b"GET a HTTP/1.1\r\n\r\n",
    "a tunnel": b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n",
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a wrong version": b"GET /a HTTP/2.0\r\n\r\n",
    "no version": b"GET /a\r\n\r\n",
    "an unknown method": b"FOO /a HTTP/1.1\r\n\r\n",
    "TLS to a port without it": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
}  # fmt: skip


@pytest.fixture(scope="module")
def proxy() -> Iterator[Passing]:
    with passing(answering(OK)) as one:
        yield one


@pytest.mark.parametrize("kind", REFUSED)
def test_a_request_that_can_be_read_in_two_ways_is_refused_and_the_connection_ends(proxy: Passing, kind: str) -> None:
    proxy.node.requests.clear()
    found = proxy.ask(REFUSED[kind])
    head, _, body = found.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    assert status in (400, 501, 505) and b"\r\nConnection: close" in head and b"\r\nX-Resift: failed" in head
    error = json.loads(body)
    assert error["status"] == status and error["error"]["reason"]
    assert not any(b"hidden" in request.split(b"\r\n")[0] for request in proxy.node.requests)
    assert b"200 OK" in proxy.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")  # others are served


def test_a_body_cannot_be_made_into_a_request_by_naming_its_length_in_connection(proxy: Passing) -> None:
    proxy.node.requests.clear()
    length = b"Content-Length: %d\r\n" % len(HIDDEN)
    found = proxy.ask(
        b"POST /a HTTP/1.1\r\n" + length + b"Connection: close, content-length, Transfer-Encoding\r\n\r\n" + HIDDEN
    )
    assert found.count(b"HTTP/1.1 200 OK") == 1
    assert len(proxy.node.requests) == 1 and length + b"\r\n" + HIDDEN in proxy.node.requests[0]


def test_a_response_keeps_its_length_if_the_engine_names_it_in_connection() -> None:
    with passing(answering(response(b"{}", b"Connection: content-length"))) as one:
        assert one.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n") == OK.replace(
            b"Content-Type: application/json\r\n", b""
        ).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def test_trailers_do_not_become_headers_of_a_request_that_waits_for_its_turn() -> None:
    chunks = b"2\r\n{}\r\n0\r\nAuthorization: stolen\r\nX-More: y\r\n\r\n"
    with passing(answering(OK)) as one:
        one.ask(
            b"GET / HTTP/1.1\r\n\r\nPOST /a HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunks
        )
        assert len(one.node.requests) == 2
        assert b"stolen" not in one.node.requests[1] and b"X-More" not in one.node.requests[1]


def test_requests_before_a_wrong_one_are_answered_and_those_after_it_are_not() -> None:
    with passing(answering(OK)) as one:
        found = one.ask(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/9\r\n\r\n" + HIDDEN)
        assert [part[:3] for part in found.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"400"]
        assert len(one.node.requests) == 2


LARGE = {
    "one endless header": lambda line: line.send(b"GET / HTTP/1.1\r\nA: " + b"x" * 4_000_000),
    "endless headers": lambda line: line.send(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 600_000),
    "an endless target": lambda line: line.send(b"GET /" + b"x" * 4_000_000),
    "an endless method": lambda line: line.send(b"G" * 4_000_000),
    "an endless name": lambda line: line.send(b"GET / HTTP/1.1\r\n" + b"A" * 4_000_000),
    "an endless trailer": lambda line: line.send(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"x" * 4_000_000
    ),
    "endless trailers": lambda line: line.send(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 600_000
    ),
    "an endless extension of a chunk": lambda line: line.send(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;" + b"x" * 4_000_000
    ),
}


@pytest.mark.parametrize("kind", LARGE)
def test_endless_heads_are_refused(proxy: Passing, kind: str) -> None:
    with proxy.line() as line:
        LARGE[kind](line)
        answer = line.answer()
    assert answer is not None and answer.status in (400, 431)
    assert answer.headers["connection"] == "close"


def test_headers_just_below_the_bound_pass_and_just_above_it_do_not() -> None:
    with passing(answering(OK)) as one:
        for size, status in ((MOST_HEADER_BYTES - 40, b"200"), (MOST_HEADER_BYTES, b"431")):
            found = one.ask(b"GET / HTTP/1.1\r\nConnection: close\r\nA: " + b"x" * size + b"\r\n\r\n")
            assert found.split(b" ")[1] == status


def test_many_short_requests_and_a_part_of_one_more_are_no_large_head() -> None:
    with passing(answering(OK)) as one, one.line() as line:
        line.send(b"GET /a HTTP/1.1\r\n\r\n" * 4000 + b"GET /last HTTP/1.1\r\n")
        for _ in range(4000):
            answer = line.answer()
            assert answer is not None and answer.status == 200
        line.send(b"Connection: close\r\n\r\n")
        assert line.rest().startswith(b"HTTP/1.1 200 OK")


def test_heads_that_come_byte_by_byte_have_to_be_complete_in_time() -> None:
    with passing(answering(OK), receive_seconds=1.0) as one, ExitStack() as stack:
        lines = [stack.enter_context(one.line()) for _ in range(100)]
        for line in lines:
            line.send(b"GET / HTTP/1.1\r\nX-Slow: ")
        ends = time.monotonic() + 30
        while one.connections.busy and time.monotonic() < ends:
            for line in lines:
                line.send(b"x")
            time.sleep(0.1)
        assert [_status(line) for line in lines] == [408] * 100
        assert b"200 OK" in one.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")


def _status(line: Line) -> int | None:
    answer = line.answer()
    return answer.status if answer is not None else None


def test_a_body_that_stops_coming_is_given_up_on_both_sides() -> None:
    with passing(silent, receive_seconds=0.5) as one, one.line() as line:
        line.send(b"POST /a/_doc HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        one.until(lambda: one.node.opened == 1)
        assert _status(line) == 408
        one.until(lambda: one.node.ended == 1)


def test_a_body_that_keeps_coming_may_take_longer() -> None:
    with passing(answering(OK), receive_seconds=0.5) as one, one.line() as line:
        line.send(b"POST /a/_doc HTTP/1.1\r\nContent-Length: 20\r\n\r\n")
        for _ in range(20):
            time.sleep(0.1)
            line.send(b"x")
        assert _status(line) == 200


def test_a_connection_that_does_nothing_is_closed_without_an_answer() -> None:
    with passing(answering(OK), idle_seconds=0.3) as one, one.line() as line:
        line.send(b"GET / HTTP/1.1\r\n\r\n\r\n")  # one line break too many is none of a request
        assert _status(line) == 200
        assert line.rest() == b""


def test_a_request_that_the_engine_works_on_for_long_is_not_given_up() -> None:
    async def slow(visit: Visit) -> None:
        await visit.request()
        while time.monotonic() < begun + 1.5:
            await asyncio.sleep(0.05)
        await visit.send(OK)

    begun = time.monotonic()
    with passing(slow, idle_seconds=0.3, receive_seconds=0.3, send_seconds=0.3) as one:
        assert b"200 OK" in one.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")


def test_more_connections_than_allowed_are_closed_and_the_others_served() -> None:
    with passing(answering(OK), most=10) as one, ExitStack() as stack:
        lines = [stack.enter_context(one.line()) for _ in range(10)]
        one.until(lambda: len(one.connections.open) == 10)
        assert one.ask(b"GET / HTTP/1.1\r\n\r\n") == b""
        for line in lines:
            line.send(b"GET / HTTP/1.1\r\n\r\n")
            assert _status(line) == 200


def test_two_thousand_connections_are_served() -> None:
    with passing(answering(OK), loop="uvloop") as one, ExitStack() as stack:
        lines = [stack.enter_context(one.line()) for _ in range(2000)]
        for line in lines:
            line.send(b"GET / HTTP/1.1\r\n\r\n")
        assert {_status(line) for line in lines} == {200}
        one.until(lambda: len(one.connections.open) == 2000)
        one.until(lambda: one.node.opened - one.node.ended <= 256)  # connections to the engine that are kept
