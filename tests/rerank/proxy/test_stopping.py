"""A proxy that is asked to stop answers what it took, and says that each response is the last of its connection."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from contextlib import AbstractContextManager

from tests.rerank.proxy.fake_engine import Visit, response
from tests.rerank.proxy.passing import Passing, passing
from tests.rerank.proxy.running_proxy import running_proxy
from tests.rerank.service.raw_http import Line
from tests.rerank.service.running import Running

GET = b"GET /a HTTP/1.1\r\n\r\n"
SLOW = b"PUT /slow HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"


def before(engines: Passing) -> AbstractContextManager[Running]:
    """Return a running proxy before the first node of `engines`, which may be loading its model still."""
    return running_proxy(f"http://127.0.0.1:{engines.node.port}", ready=False)


async def engine(visit: Visit) -> None:
    """Answer at once, or after a second."""
    while True:
        if b"/slow" in await visit.request():
            await asyncio.sleep(1.0)
        await visit.send(response())


def test_a_proxy_that_stops_answers_what_is_under_way_and_one_more_request_on_open_connections() -> None:
    with passing(engine, loop="uvloop") as engines, before(engines) as proxy:
        with Line(proxy.url) as busy, Line(proxy.url) as kept, Line(proxy.url) as idle, Line(proxy.url) as half:
            for line in (kept, idle):
                line.send(GET)
                assert line.answer() is not None
            half.send(GET[:10])
            busy.send(SLOW)
            engines.until(lambda: len(engines.node.requests) == 3)
            proxy.process.send_signal(signal.SIGTERM)
            proxy.wait_for("stopping")
            half.send(GET[10:])
            for line in (busy, half):
                answer = line.answer()
                assert answer is not None and answer.status == 200
            kept.send(GET)
            answer = kept.answer()
            assert answer is not None and answer.headers["connection"] == "close"
            assert kept.rest() == b"" and idle.rest() == b""
        assert proxy.process.wait(30) == 0


def test_no_request_of_clients_that_keep_their_connections_is_lost_when_a_proxy_stops() -> None:
    with passing(engine, loop="uvloop") as engines, before(engines) as proxy:
        lost: list[str] = []
        answered = [0] * 20
        threads = [threading.Thread(target=_call, args=(proxy.url, lost, answered, place)) for place in range(20)]
        for thread in threads:
            thread.start()
        engines.until(lambda: min(answered) > 5)
        assert proxy.stop() == 0
        for thread in threads:
            thread.join()
        assert lost == []


def _call(url: str, lost: list[str], answered: list[int], place: int) -> None:
    """Send requests one after the other, until a response says that it is the last of the connection."""
    with Line(url) as line:
        while True:
            try:
                line.socket.sendall(SLOW.replace(b"/slow", b"/quick"))
            except OSError as error:
                lost.append(repr(error))
                return
            answer = line.answer()
            if answer is None or answer.status != 200:
                lost.append(repr(answer))
                return
            answered[place] += 1
            if answer.headers.get("connection") == "close":
                return


def test_a_proxy_that_stops_cuts_what_takes_too_long() -> None:
    async def silent(visit: Visit) -> None:
        await visit.request()
        await visit.end()

    with (
        passing(silent) as engines,
        running_proxy(f"http://127.0.0.1:{engines.node.port}", "--stop-seconds", "1", ready=False) as proxy,
        Line(proxy.url) as line,
    ):
        line.send(GET)
        engines.until(lambda: engines.node.requests)
        assert proxy.stop() == 0
        assert line.rest() == b""
        engines.until(lambda: engines.node.ended == engines.node.opened)
        with socket.socket() as other:
            assert other.connect_ex(_address(proxy.url)) != 0


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)
