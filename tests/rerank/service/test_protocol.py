"""Connections as real clients open them: offers of HTTP/2, headers in pieces, and callers who never finish."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.rerank.service.running import Running, running_service

BODY = json.dumps({"query": "what do cats eat", "documents": ["Dogs bark.", "Cats eat fish."]}).encode()
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"


def head(extra: bytes = b"", end: bytes = b"") -> bytes:
    """Return the line and the headers of a request with `BODY`; `end` comes last."""
    length = b"Content-Length: %d\r\n" % len(BODY)
    return b"POST /v1/rerank HTTP/1.1\r\nHost: localhost\r\n" + extra + length + end + b"\r\n"


def connect(running: Running) -> socket.socket:
    address = urlsplit(running.url)
    return socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=30)


def read_reply(connection: socket.socket) -> tuple[int, bytes]:
    """Return the status and the body of one reply."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        length = 0
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, stream.read(length)


@pytest.mark.parametrize("end", [b"", b"Accept: */*\r\n"], ids=["the offer in the middle", "another header last"])
def test_a_request_with_an_offer_of_http2_is_answered_with_its_body(service: Running, end: bytes) -> None:
    with connect(service) as connection:
        connection.sendall(head(OFFER, end) + BODY)
        status, body = read_reply(connection)
    assert status == 200 and [result["index"] for result in json.loads(body)["results"]] == [1, 0]


def test_the_offer_may_be_the_last_header(service: Running) -> None:
    with connect(service) as connection:
        connection.sendall(head(end=OFFER) + BODY)
        assert read_reply(connection)[0] == 200


def test_headers_and_body_may_come_in_pieces_of_any_size(service: Running) -> None:
    whole = head(OFFER) + BODY
    for size in (1, 2, 3, 5, 7, 11, 64, 100):
        with connect(service) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(whole), size):
                connection.sendall(whole[start : start + size])
            assert read_reply(connection)[0] == 200


def test_a_connection_is_used_for_several_requests(service: Running) -> None:
    with connect(service) as connection:
        for _ in range(3):
            connection.sendall(head() + BODY)
            assert read_reply(connection)[0] == 200


def test_a_body_that_contains_an_offer_is_left_as_it_is(service: Running) -> None:
    text = "\r\nUpgrade: h2c\r\n\r\n"
    body = json.dumps({"query": "q", "texts": [text], "return_text": True}).encode().replace(b"\\r\\n", b"\\r\\n")
    request = b"POST /rerank HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    with connect(service) as connection:
        connection.sendall(request + body)
        status, reply = read_reply(connection)
    assert status == 200 and json.loads(reply)[0]["text"] == text


def test_a_connection_whose_headers_are_never_finished_is_closed() -> None:
    with running_service("--model", "resift-tiny", "--receive-seconds", "0.3") as running:
        for begun in (b"", b"POST /v1/rer", b"POST /v1/rerank HTTP/1.1\r\nHost: a\r\nX-"):
            with connect(running) as connection:
                connection.sendall(begun)
                assert connection.recv(1000) in (b"", b"HTTP/1.1 400 Bad Request\r\n")  # closed within the time-out
        with connect(running) as connection:  # the second request of a connection too
            connection.sendall(head() + BODY)
            assert read_reply(connection)[0] == 200
            connection.sendall(b"POST /v1/rer")
            assert connection.recv(1000) == b""
