"""What passes through comes out as it went in, apart from what concerns one connection alone."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator

import pytest

from tests.rerank.proxy.fake_engine import OK, Visit, answering, response
from tests.rerank.proxy.passing import LOOPS, Passing, passing
from tests.rerank.service.raw_http import chunked


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def host(one: Passing) -> bytes:
    return b"Host: 127.0.0.1:%d\r\n" % one.node.port


CLOSE = b"Connection: close\r\n"


def test_a_request_comes_out_with_its_line_its_headers_and_its_body(loop: str) -> None:
    headers = b"Content-Type: application/json\r\nX-ODD: a  b\r\nauthorization: Basic YTpi\r\nX-Bytes: \xc3\xa4\xff\r\nX-Empty: \r\nX-Two: 1\r\nX-Two: 2\r\n"
    with passing(answering(OK), loop=loop) as one:
        one.ask(b"POST /a/_doc?q=1 HTTP/1.1\r\nHost: x\r\n" + headers + CLOSE + b"Content-Length: 3\r\n\r\n\x00\r\n")
        assert one.node.requests == [
            b"POST /a/_doc?q=1 HTTP/1.1\r\n" + host(one) + headers + b"Content-Length: 3\r\n\r\n\x00\r\n"
        ]


def test_a_response_comes_out_with_its_line_its_headers_and_its_body(loop: str) -> None:
    given = response(
        b"\x00\xff\r\n", b"X-elastic-product: Elasticsearch", b"Set-Cookie: a=1", b"Set-Cookie: b=2",
        b'Warning: 299 Elasticsearch-8.19.0 "deprecated"', b"warning: 299 -", b"X-Bytes: \xc3\xa4\xff", status=b"418 I am a caf\xe9",
    )  # fmt: skip
    with passing(answering(given), loop=loop) as one:
        found = one.ask(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert found == given.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 200 \r\n", b"HTTP/1.1 299 Unusual\r\n", b"HTTP/1.1 503 Service Unavailable\r\n"]
)
def test_the_status_line_is_that_of_the_engine(line: bytes) -> None:
    with passing(answering(line + b"Content-Length: 0\r\n\r\n")) as one:
        assert one.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(line)


TARGETS = (
    b"/", b"//", b"//a//_doc", b"/a%2Fb/_doc/%2e%2E?", b"/a/_search?q=a+b%20c&&=", b"/<logs-%7Bnow%2Fd%7D>/_doc", b"/a,b/_count?x=?y=/",
    b"/_all", b"/*/_count", b"/a;b/_doc/'()!$&~", b"/a#b", b"/a/_count?q=m\xc3\xbcller\xff", b"/" + b"x" * 4000,
)  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=[repr(target[:30]) for target in TARGETS])
def test_a_target_comes_out_byte_by_byte(target: bytes) -> None:
    with passing(answering(OK)) as one:
        assert one.ask(b"GET " + target + b" HTTP/1.1\r\n" + CLOSE + b"\r\n").endswith(b"{}")
        assert one.node.requests[0].split(b"\r\n")[0] == b"GET " + target + b" HTTP/1.1"


def test_options_of_the_server_pass() -> None:
    with passing(answering(response(b"", b"Allow: GET"))) as one:
        assert b"Allow: GET\r\n" in one.ask(b"OPTIONS * HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert one.node.requests[0].startswith(b"OPTIONS * HTTP/1.1\r\n")


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"])
def test_every_method_may_have_a_body(method: bytes, loop: str) -> None:
    with passing(answering(OK), loop=loop) as one:
        one.ask(method + b" /a HTTP/1.1\r\n" + CLOSE + b"content-length: 2\r\n\r\n{}")
        assert one.node.requests == [method + b" /a HTTP/1.1\r\n" + host(one) + b"content-length: 2\r\n\r\n{}"]


def test_a_chunked_body_comes_out_chunked_without_its_extensions_and_trailers(loop: str) -> None:
    body = b"3;a=b\r\nabc\r\n2\r\n\r\n\r\n0\r\nX-Trailer: y\r\nAuthorization: stolen\r\n\r\n"
    with passing(answering(OK), loop=loop) as one:
        one.ask(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n" + body)
        head, _, rest = one.node.requests[0].partition(b"\r\n\r\n")
    assert (head, rest) == (
        b"POST /a HTTP/1.1\r\n" + host(one) + b"Transfer-Encoding: chunked",
        chunked(b"abc", b"\r\n"),
    )


def test_a_chunked_response_comes_out_chunked(loop: str) -> None:
    given = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n"
        + chunked(b"abc", b"d" * 70_000)[:-2]
        + b"X-T: y\r\n\r\n"
    )
    with passing(answering(given), loop=loop) as one:
        head, _, rest = one.ask(b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n").partition(b"\r\n\r\n")
    assert head == b"HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\nConnection: close"
    assert unchunked(rest) == b"abc" + b"d" * 70_000


def unchunked(body: bytes) -> bytes:
    found = b""
    while not body.startswith(b"0\r\n\r\n"):
        size, _, body = body.partition(b"\r\n")
        found, body = found + body[: int(size, 16)], body[int(size, 16) + 2 :]
    assert body == b"0\r\n\r\n"
    return found


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
def test_a_response_without_a_length_ends_with_the_connection_of_the_engine(version: bytes, loop: str) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(version + b" 200 OK\r\nA: b\r\n\r\nabc")

    with passing(script, loop=loop) as one:
        found = one.ask(b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
        old = one.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert found.partition(b"\r\n\r\n")[2] == chunked(b"abc")
    assert old == b"HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\n\r\nabc"


HEADS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 371\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
    b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n",
)  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_a_response_to_head_has_no_body_whatever_its_headers_say(head: bytes, loop: str) -> None:
    with passing(answering(head + b"\r\n", OK), loop=loop) as one:
        found = one.ask(b"HEAD /a HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert one.node.opened == 1  # the connection can be used again
    assert found == head.replace(b"Transfer-Encoding: chunked\r\n", b"") + b"\r\n" + OK.replace(
        b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n"
    )


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n"]
)
def test_responses_without_a_body_by_their_status_pass(head: bytes, loop: str) -> None:
    with passing(answering(head + b"\r\n", OK), loop=loop) as one:
        found = one.ask(b"GET /a HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert one.node.opened == 1
    assert found.startswith(head + b"\r\nHTTP/1.1 200 OK\r\n")


def test_gzip_is_not_unpacked_in_either_direction() -> None:
    packed = gzip.compress(b"abc" * 1000)
    with passing(answering(response(packed, b"Content-Encoding: gzip"))) as one:
        headers = b"Content-Encoding: gzip\r\nAccept-Encoding: gzip\r\nContent-Length: %d\r\n" % len(packed)
        found = one.ask(b"PUT /a HTTP/1.1\r\n" + headers + CLOSE + b"\r\n" + packed)
        assert one.node.requests == [b"PUT /a HTTP/1.1\r\n" + host(one) + headers + b"\r\n" + packed]
    assert b"Content-Encoding: gzip\r\n" in found and found.endswith(packed)


def test_interim_responses_are_left_out(loop: str) -> None:
    given = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK
    with passing(answering(given), loop=loop) as one:
        assert one.ask(b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n") == OK.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n", 1)


def test_a_caller_that_asks_first_is_told_to_send_its_body(loop: str) -> None:
    with passing(answering(OK), loop=loop) as one, one.line() as line:
        line.send(b"POST /a HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n" + CLOSE + b"\r\n")
        assert line._until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        line.send(b"{}")
        assert line.rest().startswith(b"HTTP/1.1 200 OK")
        assert one.node.requests == [b"POST /a HTTP/1.1\r\n" + host(one) + b"Content-Length: 2\r\n\r\n{}"]


@pytest.mark.parametrize("request_", [b"GET /a HTTP/1.1\r\n", b"POST /a HTTP/1.0\r\nContent-Length: 2\r\n"])
def test_no_interim_response_comes_without_a_body_or_to_old_callers(request_: bytes) -> None:
    with passing(answering(OK)) as one:
        found = one.ask(request_ + b"Expect: 100-continue\r\n" + CLOSE + b"\r\n{}"[: 2 + 2 * (b"POST" in request_)])
        assert found.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "given",
    [b"Expect: foo", b"Expect: foo\r\nExpect: 100-continue", b"Expect: 100-continue\r\nExpect: foo", b"Expect: ",
     b"expect: 100-continue, foo"],
)  # fmt: skip
def test_another_expectation_is_refused_and_never_reaches_the_engine(given: bytes) -> None:
    """The engines answer it with 417, and read the body as the next request."""
    with passing(answering(OK)) as one:
        found = one.ask(b"POST /a HTTP/1.1\r\n" + given + b"\r\nContent-Length: 2\r\n\r\n{}")
        assert one.node.requests == []
    assert found.startswith(b"HTTP/1.1 417 Expectation Failed\r\n") and b"expected 100-continue" in found


def test_headers_of_one_connection_are_not_passed_on() -> None:
    given = response(
        b"",
        b"Connection: X-Own, keep-alive",
        b"connection: X-More",
        b"X-Own: 1",
        b"X-More: 1",
        b"Keep-Alive: 5",
        b"A: b",
    )
    with passing(answering(given)) as one, one.line() as line:
        own = b"Connection: X-Own\r\nConnection: X-More, close\r\nX-Own: 1\r\nx-more: 2\r\nKeep-Alive: 5\r\nTE: trailers\r\nA: b\r\nProxy-Connection: x\r\n"
        line.send(b"GET / HTTP/1.1\r\n" + own + b"\r\n")
        assert line.rest() == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        assert one.node.requests == [b"GET / HTTP/1.1\r\n" + host(one) + b"A: b\r\n\r\n"]


def test_the_wishes_for_the_proxy_are_not_passed_on() -> None:
    with passing(answering(OK)) as one:
        one.ask(b"GET / HTTP/1.1\r\nX-Resift: off\r\nx-resift-details: on\r\n" + CLOSE + b"\r\n")
        assert one.node.requests == [b"GET / HTTP/1.1\r\n" + host(one) + b"\r\n"]


def test_a_connection_stays_open_for_callers_of_today_and_closes_for_old_ones(loop: str) -> None:
    with passing(answering(OK), loop=loop) as one, one.line() as line:
        for _ in range(3):
            line.send(b"GET / HTTP/1.1\r\n\r\n")
            answer = line.answer()
            assert answer is not None and "connection" not in answer.headers
        line.send(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        answer = line.answer()
        assert answer is not None and answer.headers["connection"] == "keep-alive"
        line.send(b"GET / HTTP/1.0\r\n\r\n")
        assert line.rest() == OK.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n")
        assert one.node.opened == 1


def test_a_thousand_requests_at_once_are_answered_in_their_order(loop: str) -> None:
    async def script(visit: Visit) -> None:
        while True:
            request = await visit.request()
            await visit.send(response(request.split(b" ")[1]))

    with passing(script, loop=loop) as one:
        requests = [b"POST /%d HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}" % number for number in range(999)]
        found = one.ask(b"".join(requests) + b"GET /999 HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert one.node.opened == 1
    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in found.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"/%d" % number for number in range(1000)]


def test_a_request_whose_body_comes_after_the_answer_to_the_one_before_it_is_read_to_its_end(loop: str) -> None:
    with passing(answering(OK), loop=loop) as one, one.line() as line:
        line.send(b"GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc")
        assert line.answer() is not None
        line.send(b"defGET /3 HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert line.rest().count(b"200 OK") == 2
        assert one.node.requests[1].endswith(b"\r\n\r\nabcdef")


def test_a_request_that_asks_for_http_2_is_answered_in_http_1_with_its_body(loop: str) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    with passing(answering(OK), loop=loop) as one:
        found = one.ask(
            b"GET /1 HTTP/1.1\r\n" + upgrade + b"\r\n"
            + b"POST /2 HTTP/1.1\r\nContent-Length: 3\r\n" + upgrade + b"\r\nabc"
            + b"POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + upgrade + b"\r\n" + chunked(b"abc")
            + b"GET /4 HTTP/1.1\r\n" + CLOSE + b"\r\n"
        )  # fmt: skip
        assert found.count(b"200 OK") == 4
        assert one.node.requests == [
            b"GET /1 HTTP/1.1\r\n" + host(one) + b"\r\n",
            b"POST /2 HTTP/1.1\r\n" + host(one) + b"Content-Length: 3\r\n\r\nabc",
            b"POST /3 HTTP/1.1\r\n" + host(one) + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"abc"),
            b"GET /4 HTTP/1.1\r\n" + host(one) + b"\r\n",
        ]


def test_three_hundred_headers_pass() -> None:
    headers = b"".join(b"X-%d: %s\r\n" % (number, b"v" * 100) for number in range(300))
    given = response(b"", *headers.split(b"\r\n")[:-1])
    with passing(answering(given)) as one:
        found = one.ask(b"GET / HTTP/1.1\r\n" + headers + CLOSE + b"\r\n")
        assert one.node.requests == [b"GET / HTTP/1.1\r\n" + host(one) + headers + b"\r\n"]
    assert found == given.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n")


def test_a_request_that_comes_byte_by_byte_is_the_same_request(loop: str) -> None:
    data = b"POST /a HTTP/1.1\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"abc")
    with passing(answering(OK), loop=loop) as one, one.line() as line:
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(data)):
            line.send(data[place : place + 1])
            time.sleep(0.001)  # so that they are not read at once
        assert line.answer() is not None
        head, _, body = one.node.requests[0].partition(b"\r\n\r\n")
    assert (head, unchunked(body)) == (
        b"POST /a HTTP/1.1\r\n" + host(one) + b"A: b\r\nTransfer-Encoding: chunked",
        b"abc",
    )
