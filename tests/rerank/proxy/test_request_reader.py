"""The reader of requests: however the bytes are cut, the same requests come out; and no bytes make it fail otherwise."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from resift.rerank.proxy.http.messages import RequestHead, request_bytes
from resift.rerank.proxy.http.request_reader import BadRequestError, RequestReader
from tests.rerank.service.raw_http import chunked


class Collected:
    """Collects requests: the method, the target, the headers, and the body of each that is complete."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]] = []
        self._head = RequestHead(b"", b"", [])
        self._body = b""

    def begin(self, head: RequestHead) -> None:
        self._head, self._body = head, b""

    def body(self, data: bytes) -> None:
        self._body += data

    def complete(self) -> None:
        self.requests.append((self._head.method, self._head.target, list(self._head.headers), self._body))


def read(*parts: bytes) -> Collected:
    collected = Collected()
    reader = RequestReader(collected)
    for part in parts:
        reader.feed(part)
    return collected


UPGRADE = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
SEVERAL = (
    b"\r\nGET /1 HTTP/1.1\r\nA: b\r\n\r\n"
    + b"POST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\r\n"
    + b"POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"de", b"f")[:-2] + b"T: x\r\n\r\n"
    + b"POST /4 HTTP/1.1\r\n" + UPGRADE + b"Content-Length: 3\r\n\r\nghi"
    + b"GET /5 HTTP/1.1\r\n" + UPGRADE + b"\r\n"
    + b"POST /6 HTTP/1.1\r\n" + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"jk")
    + b"GET /7 HTTP/1.1\r\nB:\r\n\r\n"
)  # fmt: skip
BODIES = [b"", b"abc", b"def", b"ghi", b"", b"jk", b""]


def test_requests_come_out_the_same_wherever_the_bytes_are_cut() -> None:
    whole = read(SEVERAL)
    assert [(target, body) for _, target, _, body in whole.requests] == [
        (b"/%d" % (number + 1), body) for number, body in enumerate(BODIES)
    ]
    assert all(name != b"T" for _, _, headers, _ in whole.requests for name, _ in headers)
    for place in range(1, len(SEVERAL)):
        assert read(SEVERAL[:place], SEVERAL[place:]).requests == whole.requests
    assert read(*(SEVERAL[place : place + 1] for place in range(len(SEVERAL)))).requests == whole.requests


def test_a_target_with_other_bytes_than_ascii_stays_as_it_was_written() -> None:
    line = b"GET /a?q=m\xc3\xbcller+%C3%BC\xff HTTP/1.1\r\n\r\n"
    assert [target for _, target, _, _ in read(line + b"GET /%C3 HTTP/1.1\r\n\r\n").requests] == [
        b"/a?q=m\xc3\xbcller+%C3%BC\xff",
        b"/%C3",
    ]


PIECES = st.sampled_from(
    [
        b"GET ", b"POST ", b"CONNECT ", b"/", b"*", b"http://a/", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/2\r\n", b"\r\n", b"\n", b"\r", b"A: b\r\n",
        b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", UPGRADE, b"Connection: close\r\n",
        b"3\r\nabc\r\n", b"0\r\n\r\n", b"0\r\n", b"abc", b"\x00", b"\xff", b": ", b"\r\n\r\n",
    ]
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=30), st.integers(0, 1000))
def test_bytes_in_any_order_are_requests_or_refused(pieces: list[bytes], seed: int) -> None:
    data, chance = b"".join(pieces), random.Random(seed)
    collected, place = Collected(), 0
    reader = RequestReader(collected)
    try:
        while place < len(data):
            size = chance.randint(1, 40)
            reader.feed(data[place : place + size])
            place += size
    except BadRequestError as error:
        assert error.status in (400, 431, 501, 505)
    for method, target, headers, body in collected.requests:
        _check_that_the_engine_reads_one_request(method, target, headers, body)


def _check_that_the_engine_reads_one_request(
    method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Read what would be sent to an engine: it must be the same request, and no other."""
    is_chunked = any(name.lower() == b"transfer-encoding" for name, _ in headers)
    head = request_bytes(RequestHead(method, target, headers, is_chunked), b"engine:9200", b"")
    sent = chunked(body) if is_chunked and body else b"0\r\n\r\n" if is_chunked else body
    assert [(one[0], one[1], one[3]) for one in read(head + sent).requests] == [(method, target, body)]
