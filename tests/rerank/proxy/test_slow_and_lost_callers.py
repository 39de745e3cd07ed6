"""Callers that read slowly, never read, or hang up: memory stays bounded, and the engine learns that nobody waits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.rerank.proxy.fake_engine import OK, Visit, answering, response, silent
from tests.rerank.proxy.passing import LOOPS, Passing, passing
from tests.rerank.service.raw_http import Line

MEGABYTE = b"x" * (1 << 20)


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


class Pouring:
    """A node that answers 200 MB; `sent` bytes were taken so far."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self, visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (200 << 20))
        for _ in range(200):
            await visit.send(MEGABYTE)
            self.sent += 1 << 20


def settled(count: Callable[[], int]) -> int:
    """Return a count as soon as it does not change any more."""
    seen: list[int] = []
    while len(seen) < 20 or len(set(seen[-15:])) > 1:
        time.sleep(0.02)
        seen.append(count())
    return seen[-1]


def narrow(one: Passing) -> Line:
    """Return a connection whose receive buffer is small."""
    line = one.line()
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    return line


def test_the_engine_waits_for_a_caller_that_does_not_read(loop: str) -> None:
    pouring = Pouring()
    with passing(pouring, loop=loop) as one, narrow(one) as line:
        line.send(b"GET /a/_search?size=10000 HTTP/1.1\r\n\r\n")
        one.until(lambda: pouring.sent)
        assert settled(lambda: pouring.sent) < 30 << 20  # what the system buffers on both sides
        assert buffered(one) <= 1 << 20


def buffered(one: Passing) -> int:
    async def bytes_unsent() -> int:
        return sum(each._transport.get_write_buffer_size() for each in one.connections.open)  # type: ignore[attr-defined]

    return int(one.run(bytes_unsent()))


def test_a_caller_that_reads_slowly_gets_every_byte(loop: str) -> None:
    body = bytes(range(256)) * (40 << 10)
    with passing(answering(response(body)), loop=loop) as one, narrow(one) as line:
        line.send(b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n")
        time.sleep(0.2)
        assert line.rest().partition(b"\r\n\r\n")[2] == body


def test_a_caller_that_asks_a_hundred_times_and_never_reads_is_answered_a_few_times_only(loop: str) -> None:
    with passing(answering(response(MEGABYTE)), loop=loop) as one, narrow(one) as line:
        line.send(b"GET /a HTTP/1.1\r\n\r\n" * 100)
        assert settled(lambda: len(one.node.requests)) < 20
        assert buffered(one) < 3 << 20
        for _ in range(100):  # and when it reads, it gets all of them
            answer = line.answer()
            assert answer is not None and len(answer.body) == 1 << 20


def _answered(one: Passing, count: int) -> bool:
    return len(one.node.requests) == count and all(each.idle for each in one.connections.open)


def test_a_connection_is_busy_until_its_last_response_is_sent() -> None:
    with passing(answering(response(b"x" * 100_000))) as one, narrow(one) as line:
        count = 0
        while not count or not buffered(one):  # until the system takes no more for this caller
            line.send(b"GET /a HTTP/1.1\r\n\r\n")
            count += 1
            one.until(partial(_answered, one, count))
        assert one.connections.busy == 1
        for _ in range(count):
            assert line.answer() is not None
        one.until(lambda: one.connections.busy == 0)


def test_a_connection_to_the_engine_that_had_to_wait_for_a_slow_caller_serves_the_next_one(loop: str) -> None:
    with passing(answering(response(MEGABYTE)), loop=loop) as one:
        for _ in range(5):
            with narrow(one) as slow:
                slow.send(b"GET /a HTTP/1.1\r\n\r\n")
                one.until(lambda: one.node.requests)
                time.sleep(0.1)
                with one.line() as other:
                    other.send(b"GET /a HTTP/1.1\r\n\r\n")
                    assert other.answer() is not None
                answer = slow.answer()
                assert answer is not None and len(answer.body) == 1 << 20
            with one.line() as other:
                other.send(b"GET /a HTTP/1.1\r\n\r\n")
                assert other.answer() is not None


def test_a_caller_waits_for_an_engine_that_does_not_read(loop: str) -> None:
    async def deaf(visit: Visit) -> None:
        await visit.head()
        await asyncio.sleep(60)

    with passing(deaf, loop=loop) as one, one.line() as line:
        line.send(b"POST /_bulk HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (200 << 20))
        line.socket.settimeout(1.0)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 200 << 20:
                sent += line.socket.send(MEGABYTE)
        assert sent < 60 << 20


def test_an_engine_that_reads_slowly_and_a_caller_that_does_not_read_wait_for_each_other_alone(loop: str) -> None:
    """An early response: each direction has its own pace."""
    taken = []

    async def early(visit: Visit) -> None:
        await visit.head()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (8 << 20))
        for _ in range(8):
            visit.writer.write(MEGABYTE)
        while data := await visit.reader.read(1 << 20):
            taken.append(len(data))
            if sum(taken) >= 8 << 20:
                break
        await visit.writer.drain()

    with passing(early, loop=loop) as one, narrow(one) as line:
        line.send(b"POST /_bulk HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (8 << 20))
        for _ in range(8):
            line.send(MEGABYTE)
        one.until(lambda: sum(taken) == 8 << 20)
        assert buffered(one) <= 1 << 20
        assert len(line.rest()) > 8 << 20


def test_a_caller_that_takes_nothing_of_its_response_is_cut_off_in_the_end() -> None:
    pouring = Pouring()
    with passing(pouring, send_seconds=0.5) as one, narrow(one) as line:
        line.send(b"GET /a HTTP/1.1\r\n\r\n")
        one.until(lambda: pouring.sent)
        one.until(lambda: not one.connections.open)
        one.until(lambda: one.node.ended == 1)


HANG_UPS = {
    "before its body is complete": b"POST /a/_search HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
    "while the engine works": b"POST /a/_search HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "with more requests in advance": b"GET /a/_search HTTP/1.1\r\n\r\n" * 3,
}


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("when", HANG_UPS)
def test_the_engine_is_told_when_a_caller_hangs_up(when: str, reset: bool, loop: str) -> None:
    async def waiting(visit: Visit) -> None:
        await visit.head()
        await visit.end()

    with passing(waiting, loop=loop) as one:
        with one.line() as line:
            line.send(HANG_UPS[when])
            one.until(lambda: one.node.opened == 1)
            if reset:
                line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if "advance" not in when:  # with requests in advance the proxy does not read, and so sees nothing
            one.until(lambda: one.node.ended == 1)
            one.until(lambda: not one.connections.open)


def test_the_engine_is_told_when_a_caller_hangs_up_within_a_response(loop: str) -> None:
    pouring = Pouring()
    with passing(pouring, loop=loop) as one:
        with one.line() as line:
            line.send(b"GET /a HTTP/1.1\r\n\r\n")
            assert line.socket.recv(1000)
        one.until(lambda: one.node.ended == 1)
    assert pouring.sent < 200 << 20


def test_a_caller_that_ends_its_side_still_gets_an_answer_that_comes_at_once(loop: str) -> None:
    with passing(answering(OK), loop=loop) as one, one.line() as line:
        line.send(b"GET /a HTTP/1.1\r\n\r\n")
        line.finish()
        assert line.rest() == OK


def test_an_upload_that_the_engine_refuses_early_gets_its_answer_and_no_reset(loop: str) -> None:
    refusal = response(b"too large", b"Connection: close", status=b"413 Request Entity Too Large")

    async def refusing(visit: Visit) -> None:
        await visit.head()
        await visit.send(refusal)
        await visit.end()

    with passing(refusing, loop=loop) as one, one.line() as line:
        line.send(b"POST /_bulk HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (20 << 20))
        for _ in range(20):  # a client that sends all before it reads
            line.socket.sendall(MEGABYTE)
        assert line.rest().replace(b"Connection: close\r\n", b"") == refusal.replace(b"Connection: close\r\n", b"")
        line.close()
        one.until(lambda: not one.connections.open)


def test_an_upload_gets_its_answer_if_the_engine_cannot_be_reached(loop: str) -> None:
    with passing(silent, loop=loop) as one:
        one.run(one.node.stop())
        with one.line() as line:
            line.send(b"POST /_bulk HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (20 << 20))
            for _ in range(20):
                line.socket.sendall(MEGABYTE)
            assert line.rest().startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
