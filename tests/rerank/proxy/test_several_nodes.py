"""Several nodes, nodes that are down, and none at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
from collections.abc import Callable, Iterator

import elasticsearch
import opensearchpy
import pytest

from resift.rerank.proxy.http.address import NodeAddress
from tests.rerank.proxy.fake_engine import OK, FakeNode, Visit, answering, response, silent
from tests.rerank.proxy.passing import LOOPS, Passing, passing

WRITE = b"PUT /a/_doc/1 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


async def naming(visit: Visit) -> None:
    """Answer with the port of the node."""
    while True:
        await visit.request()
        await visit.send(response(b"%d" % visit.node.port))


def asked(one: Passing, times: int) -> list[int]:
    with one.line() as line:
        ports = []
        for _ in range(times):
            line.send(WRITE)
            answer = line.answer()
            assert answer is not None and answer.status == 200
            ports.append(int(answer.body))
    return ports


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_requests_are_spread_over_the_nodes_and_connections_are_used_again(count: int) -> None:
    with passing(*[naming] * count) as one:
        ports = asked(one, 12)
        assert {ports.count(node.port) for node in one.nodes} == {12 // count}
        assert [node.opened for node in one.nodes] == [1] * count


def test_requests_go_to_the_other_nodes_while_one_is_down_and_to_it_when_it_is_back(loop: str) -> None:
    with passing(naming, naming, naming, loop=loop) as one:
        asked(one, 6)
        one.run(one.nodes[1].stop())
        one.until(lambda: not one.engine.nodes[1].idle)
        ports = asked(one, 12)
        assert set(ports) == {one.nodes[0].port, one.nodes[2].port}
        one.run(one.nodes[1].start())
        one.until(lambda: one.nodes[1].port in asked(one, 3))
        assert set(asked(one, 6)) == {node.port for node in one.nodes}


def test_only_one_request_tries_a_node_that_does_not_answer_at_all() -> None:
    with passing(naming, naming) as one:
        node = one.engine.nodes[0]
        node.down, node.down_until = True, 0.0

        async def tries() -> list[int]:
            first = asyncio.ensure_future(one.engine.connect())
            await asyncio.sleep(0)
            second = await one.engine.connect()
            return [(await first).owner.address.port, second.owner.address.port]

        assert one.run(tries()) == [one.nodes[0].port, one.nodes[1].port]


@pytest.mark.parametrize("count", [1, 2])
def test_without_any_node_the_official_clients_get_a_502_that_they_can_show(count: int, loop: str) -> None:
    with passing(*[silent] * count, loop=loop) as one:
        for node in one.nodes:
            one.run(node.stop())
        with pytest.raises(elasticsearch.ApiError) as raised:
            elasticsearch.Elasticsearch(one.url, max_retries=0).search(index="a", query={"match_all": {}})
        assert raised.value.status_code == 502
        assert "no node of the engine can be reached by the proxy" in str(raised.value)
        with pytest.raises(opensearchpy.TransportError) as refused:
            opensearchpy.OpenSearch(one.url, max_retries=0).search(index="a", body={})
        assert (refused.value.status_code, refused.value.error) == (502, "connect_exception")
        found = one.ask(b"HEAD /a HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert found.startswith(b"HTTP/1.1 502 Bad Gateway\r\n") and found.endswith(b"\r\n\r\n")
        with one.line() as line:
            line.send(WRITE)
            answer = line.answer()
            assert answer is not None and json.loads(answer.body)["status"] == 502
            one.run(one.nodes[0].start())
            one.until(lambda: one.run(_reachable(one)))


async def _reachable(one: Passing) -> bool:
    try:
        (await one.engine.connect()).abort()
    except OSError:
        return False
    return True


def _at(host: str) -> Callable[[list[FakeNode]], list[NodeAddress]]:
    return lambda _: [NodeAddress(host, 9200)]


def test_a_name_that_cannot_be_one_is_a_node_that_cannot_be_reached() -> None:
    for host in ("a..b", "x" * 70 + ".org", "no-such-host.invalid"):
        with passing(silent, addresses=_at(host)) as one:
            assert one.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


def test_connections_that_were_idle_for_long_are_not_used_again() -> None:
    with passing(answering(OK)) as one, one.line() as line:
        line.send(WRITE)
        line.answer()
        one.until(lambda: one.engine.nodes[0].idle)
        one.engine.nodes[0].idle[0].since -= 60.0
        line.send(WRITE)
        assert line.answer() is not None
        assert one.node.opened == 2
        one.until(lambda: one.node.ended == 1)


def test_a_node_below_a_path_gets_it_before_every_target() -> None:
    def below(nodes: list[FakeNode]) -> list[NodeAddress]:
        return [NodeAddress("127.0.0.1", nodes[0].port, b"/elastic")]

    with passing(answering(OK), addresses=below) as one:
        one.ask(b"GET /a/_doc/1?b=c HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert one.node.requests[0].startswith(b"GET /elastic/a/_doc/1?b=c HTTP/1.1\r\n")


def test_a_node_is_not_left_out_because_this_machine_has_no_room_for_a_connection() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with passing(naming, naming) as one, one.line() as line:
        one.until(lambda: one.connections.open)
        line.send(WRITE)
        assert line.answer() is not None
        used = max(int(name) for name in os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, hard))
        try:
            held = _all_that_are_left()
            line.send(WRITE)
            answer = line.answer()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for number in held:
                os.close(number)
        assert answer is not None and answer.status == 502
        assert not any(node.down for node in one.engine.nodes)
        assert len(set(asked(one, 2))) == 2


def _all_that_are_left() -> list[int]:
    """Open files until no more can be opened."""
    held = []
    with contextlib.suppress(OSError):
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    return held
