"""Engines that hang up, send what is wrong, or are not there: each caller gets its own response, or a clear error."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from tests.rerank.proxy.fake_engine import OK, Script, Visit, response
from tests.rerank.proxy.passing import LOOPS, Passing, passing

GET = b"GET /a/_doc/1 HTTP/1.1\r\n\r\n"
WRITE = b"PUT /a/_doc/1 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def sending(data: bytes, cut: bool = False) -> Script:
    """Return a script that sends `data` after each request, and then ends the connection."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(data)
        if cut:
            visit.writer.transport.abort()

    return script


WRONG = {
    "nothing": b"",
    "a part of a head": b"HTTP/1.1 200 OK\r\nContent-",
    "garbage": b"\x00\xffgarbage\r\n\r\n",
    "a head with a bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nabc",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "a status that is none": b"HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nA: " + b"x" * (3 << 20),
    "an interim response alone": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_response_that_is_wrong_before_its_body_becomes_a_502(kind: str, loop: str) -> None:
    with passing(sending(WRONG[kind]), loop=loop) as one, one.line() as line:
        line.send(WRITE)
        answer = line.answer()
        assert answer is not None
        assert (answer.status, answer.headers["x-resift"]) == (502, "failed")
        assert answer.json()["error"]["reason"] == "the engine closed the connection before its response was complete"
        line.send(WRITE)  # the connection of the caller can be used again
        answer = line.answer()
        assert answer is not None and answer.status == 502


BROKEN = {
    "within a length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    "within a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    "between two chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "in a wrong chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n",
}


@pytest.mark.parametrize("where", BROKEN)
def test_a_response_that_breaks_within_its_body_breaks_for_the_caller_too(where: str, loop: str) -> None:
    with passing(sending(BROKEN[where]), loop=loop) as one:
        found = one.ask(GET)
    assert found.startswith(b"HTTP/1.1 200 OK\r\n") and b"502" not in found
    assert not found.endswith(b"0\r\n\r\n")


def test_a_response_without_a_length_that_is_cut_is_not_shown_as_complete(loop: str) -> None:
    async def cut(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        await asyncio.sleep(0.2)
        visit.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        visit.writer.transport.abort()

    with passing(cut, loop=loop) as one:
        assert one.ask(GET).endswith(b"3\r\nabc\r\n")


@pytest.mark.parametrize(
    "more", [b"x", b"\r\n", OK, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen", OK + OK], ids=repr
)
def test_what_an_engine_sends_beyond_its_response_reaches_nobody(more: bytes, loop: str) -> None:
    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(response(b"%d" % len(visit.node.requests)) + more)

    with passing(script, loop=loop) as one, one.line() as line, one.line() as other:
        for number in range(1, 7, 2):
            line.send(GET)
            answer = line.answer()
            assert answer is not None and answer.body == b"%d" % number
            other.send(GET)
            answer = other.answer()
            assert answer is not None and answer.body == b"%d" % (number + 1)


def test_a_second_response_that_comes_later_reaches_nobody(loop: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(response(b"first"))
        await asyncio.sleep(0.1)
        await visit.send(response(b"stolen"))
        await visit.request()
        await visit.send(response(b"second"))

    with passing(script, loop=loop) as one, one.line() as line:
        line.send(GET)
        answer = line.answer()
        assert answer is not None and answer.body == b"first"
        one.until(lambda: one.node.ended == 1)  # the proxy closed the connection
        line.send(GET)
        answer = line.answer()
        assert answer is not None and answer.body == b"first"


@pytest.mark.parametrize(
    "given", [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen", b"HTTP/1.1 404 No\r\nContent-Length: 6\r\n\r\nst"]
)
def test_the_body_of_a_response_to_head_reaches_nobody(given: bytes, loop: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(given)
        await visit.request()
        await visit.send(OK)

    with passing(script, loop=loop) as one, one.line() as line:
        line.send(b"HEAD /a HTTP/1.1\r\n\r\n")
        assert line.answer(to_head=True) is not None
        line.send(b"HEAD /a HTTP/1.1\r\n\r\n")
        answer = line.answer(to_head=True)
        assert answer is not None and answer.headers["content-length"] == "6"
        assert one.node.opened == 2


def test_an_engine_that_answers_before_the_request_is_complete_is_heard(loop: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.head()
        await visit.send(response(b"early"))
        await visit.end()

    with passing(script, loop=loop) as one, one.line() as line:
        line.send(b"POST /a/_doc HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        answer = line.answer()
        assert answer is not None and answer.body == b"early" and answer.headers["connection"] == "close"
        one.until(lambda: one.node.ended == 1)


def hanging_up_when_idle() -> Script:
    """Return a script that answers one request per connection, and cuts it at the first byte of the next."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(OK)
        await visit.reader.readexactly(1)
        visit.node.requests.append(b"cut")
        visit.writer.transport.abort()

    return script


READS = {
    "get": GET,
    "search": b"POST /a/_search?x=1 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "chunked search": b"POST /a/_search HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "count": b"POST /_count HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
}
WRITES = {
    "put": WRITE,
    "delete": b"DELETE /a HTTP/1.1\r\n\r\n",
    "bulk": b"POST /_bulk HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "a document with the name of a read": b"PUT /a/_doc/_search HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "update by query": b"POST /a/_update_by_query HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("kind", READS)
def test_a_read_is_repeated_once_if_the_engine_had_closed_an_idle_connection(kind: str, loop: str) -> None:
    with passing(hanging_up_when_idle(), loop=loop) as one, one.line() as line:
        for _ in range(3):
            line.send(READS[kind])
            answer = line.answer()
            assert answer is not None and answer.status == 200
        assert [request == b"cut" for request in one.node.requests] == [False, True, False, True, False]


@pytest.mark.parametrize("kind", WRITES)
def test_a_write_is_not_repeated(kind: str, loop: str) -> None:
    with passing(hanging_up_when_idle(), loop=loop) as one, one.line() as line:
        line.send(GET)
        line.answer()
        line.send(WRITES[kind])
        answer = line.answer()
        assert answer is not None and answer.status == 502
        assert one.node.requests[1:] == [b"cut"]


def test_a_search_is_not_repeated_if_too_much_of_it_was_sent_to_keep_it(loop: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        if len(visit.node.requests) == 1:
            await visit.send(OK)
            await visit.request()

    with passing(script, loop=loop) as one, one.line() as line:
        line.send(GET)
        line.answer()
        line.send(b"POST /a/_search HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000)
        answer = line.answer()
        assert answer is not None and answer.status == 502
        assert len(one.node.requests) == 2


def test_a_read_is_not_repeated_after_the_first_byte_of_its_response_nor_on_a_new_connection(loop: str) -> None:
    with passing(sending(b"HTTP/1.1 2"), loop=loop) as one:
        assert one.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert len(one.node.requests) == 1
    with passing(sending(b"", cut=True), loop=loop) as one:
        assert one.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert len(one.node.requests) == 1


def _closed(one: Passing, times: int) -> bool:
    return one.node.ended == times and not one.engine.nodes[0].idle


def test_an_idle_connection_that_the_engine_closes_is_not_used_again(loop: str) -> None:
    async def once(visit: Visit) -> None:
        await visit.request()
        await visit.send(OK)

    with passing(once, loop=loop) as one, one.line() as line:
        for number in range(1, 5):
            line.send(WRITE)
            answer = line.answer()
            assert answer is not None and answer.status == 200
            one.until(partial(_closed, one, number))


@pytest.mark.parametrize(
    "closing", [b"Connection: close", b"connection: Keep-Alive, Close", b"Connection: x\r\nConnection: close"]
)
def test_a_connection_that_the_engine_is_going_to_close_is_not_used_again(closing: bytes) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(response(b"{}", closing))
        await visit.end()

    with passing(script) as one, one.line() as line:
        for number in range(1, 4):
            line.send(WRITE)
            assert line.answer() is not None
            assert one.node.opened == number


@pytest.mark.parametrize("status", [b"400 Bad Request", b"413 x", b"417 x", b"431 x"])
def test_a_connection_on_which_a_request_was_refused_unread_serves_nobody_else(status: bytes) -> None:
    """The engines keep it open, and ignore what follows, or read the refused body as a request."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(response(b"{}", status=status))
        await visit.end()

    with passing(script) as one, one.line() as line, one.line() as other:
        for number, caller in enumerate([line, other, line], start=1):
            caller.send(WRITE)
            answer = caller.answer()
            assert answer is not None and answer.status == int(status[:3])
            assert one.node.opened == number
