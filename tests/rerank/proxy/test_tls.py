"""TLS on both sides: callers of the proxy, and the proxy as a caller of the engine."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from resift.rerank.proxy.http.address import NodeAddress
from resift.rerank.proxy.nodes import read_nodes
from resift.rerank.service.settings import ServeSettings
from resift.rerank.service.tls import server_context
from resift.retrieval.engine.settings import ConnectionSettings
from tests.rerank.proxy.fake_engine import OK, FakeNode, Visit, answering, response
from tests.rerank.proxy.passing import LOOPS, Passing, passing
from tests.rerank.service.certificates import Authority

GET = b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n"
LARGE = bytes(range(256)) * 8192


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "engines")


def secure_node(authority: Authority, client_ca: Path | None = None) -> ssl.SSLContext:
    """Return the context of a node, which wants a certificate of its callers if `client_ca` is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, authority.server("node")))
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def addressed(settings: ConnectionSettings) -> Callable[[list[FakeNode]], list[NodeAddress]]:
    """Return how the nodes are addressed: as the command line does."""
    return lambda nodes: read_nodes(f"https://127.0.0.1:{nodes[0].port}", settings)


def asked(node: ssl.SSLContext, settings: ConnectionSettings, loop: str = "asyncio") -> bytes:
    """Return the response to a request to a node with TLS, through a proxy with `settings`."""
    with passing(answering(response(LARGE)), loop=loop, addresses=addressed(settings)) as one:
        one.run(_restart(one, node))
        return one.ask(GET)


async def _restart(one: Passing, context: ssl.SSLContext) -> None:
    """Let the node speak TLS on its port."""
    await one.node.stop()
    one.node.tls = context
    await one.node.start()


def _with_colons(certificate: bytes) -> str:
    digest = hashlib.sha256(certificate).hexdigest().upper()
    return ":".join(digest[place : place + 2] for place in range(0, 64, 2))


def test_a_node_whose_certificate_is_signed_by_the_given_authority_is_used(authority: Authority, loop: str) -> None:
    found = asked(secure_node(authority), ConnectionSettings(ca_certs=str(authority.path)), loop)
    assert found.partition(b"\r\n\r\n")[2] == LARGE


def test_a_node_whose_certificate_is_not_trusted_is_not_used(authority: Authority, tmp_path: Path, loop: str) -> None:
    other = Authority(tmp_path, "others")
    for settings in (ConnectionSettings(), ConnectionSettings(ca_certs=str(other.path))):
        assert asked(secure_node(authority), settings, loop).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


def test_a_node_with_the_certificate_of_another_host_is_not_used(authority: Authority) -> None:
    issued = authority.authority.issue_cert("elsewhere.example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    settings = ConnectionSettings(ca_certs=str(authority.path))
    assert asked(context, settings).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


def test_certificates_are_not_checked_if_that_is_switched_off(authority: Authority, loop: str) -> None:
    assert asked(secure_node(authority), ConnectionSettings(verify_certs=False), loop).startswith(
        b"HTTP/1.1 200 OK\r\n"
    )


def test_a_node_with_the_given_fingerprint_is_used_and_another_one_never_sees_a_request(
    authority: Authority, loop: str
) -> None:
    node = secure_node(authority)
    certificate = ssl.PEM_cert_to_DER_cert((authority.folder / "engines.node.cert.pem").read_text())
    right = ConnectionSettings(fingerprint=_with_colons(certificate))
    assert asked(node, right, loop).startswith(b"HTTP/1.1 200 OK\r\n")
    with passing(answering(OK), loop=loop, addresses=addressed(ConnectionSettings(fingerprint="ab" * 32))) as one:
        one.run(_restart(one, node))
        assert one.ask(GET).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert one.node.requests == []


def test_a_node_that_wants_a_certificate_gets_that_of_the_proxy(authority: Authority, tmp_path: Path) -> None:
    callers = Authority(tmp_path, "callers")
    certificate, key = callers.client()
    trusted = str(authority.path)
    node = secure_node(authority, callers.path)
    with_one = ConnectionSettings(client_cert=str(certificate), client_key=str(key), ca_certs=trusted)
    assert asked(node, with_one).startswith(b"HTTP/1.1 200 OK\r\n")
    assert asked(node, ConnectionSettings(ca_certs=trusted)).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


def test_a_node_without_tls_behind_an_https_address_cannot_be_reached() -> None:
    async def plain(visit: Visit) -> None:
        await visit.reader.read(1)
        await visit.send(OK)

    with passing(plain, addresses=addressed(ConnectionSettings(verify_certs=False))) as one:
        assert one.ask(GET).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


def caller_side(authority: Authority, client_ca: Path | None = None) -> ssl.SSLContext:
    """Return the context of the proxy for its callers, as `resift proxy` makes it."""
    certificate, key = authority.server("proxy")
    settings = ServeSettings(
        tls_cert=str(certificate), tls_key=str(key), tls_client_ca=None if client_ca is None else str(client_ca)
    )
    context = server_context(settings)
    assert context is not None
    return context


def connect(one: Passing, context: ssl.SSLContext) -> http.client.HTTPSConnection:
    host, port = one.url.removeprefix("http://").split(":")
    return http.client.HTTPSConnection(host, int(port), context=context, timeout=30)


def test_callers_speak_tls_and_large_bodies_pass_in_both_directions(authority: Authority, loop: str) -> None:
    with passing(answering(response(LARGE)), loop=loop, tls=caller_side(authority)) as one:
        connection = connect(one, authority.context())
        for _ in range(3):
            connection.request("PUT", "/a", LARGE)
            found = connection.getresponse()
            assert (found.status, found.read()) == (200, LARGE)
        connection.close()
        assert one.node.opened == 1
        assert all(request.endswith(LARGE) for request in one.node.requests)


def test_callers_with_tls_get_refusals_and_closed_connections_too(authority: Authority, loop: str) -> None:
    with passing(answering(OK), loop=loop, tls=caller_side(authority)) as one:
        for data, status in ((b"nonsense\r\n\r\n", b"400"), (GET, b"200"), (b"GET / HTTP/1.0\r\n\r\n", b"200")):
            with _secure_line(one, authority) as line:
                line.sendall(data)
                assert line.recv(1000).split(b" ")[1] == status
        with _secure_line(one, authority) as line:  # the caller hangs up
            line.sendall(b"POST /a HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
            one.until(lambda: one.connections.busy)
        one.until(lambda: not one.connections.open)


def _secure_line(one: Passing, authority: Authority) -> ssl.SSLSocket:
    host, port = one.url.removeprefix("http://").split(":")
    plain = socket.create_connection((host, int(port)), timeout=30)
    return authority.context().wrap_socket(plain, server_hostname=host)


def test_a_caller_with_tls_that_does_not_read_makes_the_engine_wait(authority: Authority, loop: str) -> None:
    sent = []

    async def pouring(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * len(LARGE)))
        for _ in range(100):
            await visit.send(LARGE)
            sent.append(len(LARGE))

    with passing(pouring, loop=loop, tls=caller_side(authority)) as one, _secure_line(one, authority) as line:
        line.sendall(GET)
        one.until(lambda: sent)
        before = -1
        while len(sent) != before:
            before = len(sent)
            time.sleep(0.3)
        assert len(sent) < 30
        total = 0
        while part := line.recv(1 << 20):
            total += len(part)
        assert total > 100 * len(LARGE)


def test_callers_without_the_wanted_certificate_are_not_served(authority: Authority, tmp_path: Path) -> None:
    callers = Authority(tmp_path, "callers")
    with passing(answering(OK), tls=caller_side(authority, callers.path)) as one:
        connection = connect(one, authority.context(callers.client()))
        connection.request("GET", "/a")
        assert connection.getresponse().read() == b"{}"
        connection.close()
        with pytest.raises((ssl.SSLError, OSError)):
            refused = connect(one, authority.context())
            refused.request("GET", "/a")
            refused.getresponse()
        assert len(one.node.requests) == 1


def test_a_plain_caller_of_a_port_with_tls_is_not_served(authority: Authority) -> None:
    with passing(answering(OK), tls=caller_side(authority)) as one:
        assert b"200 OK" not in one.ask(GET)
        assert one.node.requests == []
