"""A proxy that shares its port is replaced by another one under load, without one failed request."""

from __future__ import annotations

import http.client
import sys
import threading
import time
from collections.abc import Callable

import pytest

from resift.rerank.proxy.listening import listen
from tests.rerank.proxy.fake_engine import answering, response
from tests.rerank.proxy.passing import passing
from tests.rerank.proxy.running_proxy import running_proxy


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone can move connections between listeners")
def test_a_proxy_is_replaced_by_another_one_on_its_port_without_one_failed_request() -> None:
    with listen("127.0.0.1:0", "listen", share=True) as free:
        port = free.getsockname()[1]
    over, wrong, answered = threading.Event(), [], [0] * 10
    with passing(answering(response()), loop="uvloop") as engines:
        to, shared = f"http://127.0.0.1:{engines.node.port}", ("--listen", f"127.0.0.1:{port}", "--share-port")
        with running_proxy(to, *shared, ready=False) as old:

            def call(place: int, keeps: bool) -> None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                while not over.is_set():
                    try:
                        connection.request("PUT", "/a", "{}")
                        assert connection.getresponse().read() == b"{}"
                        answered[place] += 1
                    except (OSError, http.client.HTTPException, AssertionError) as error:
                        wrong.append(repr(error))
                    if not keeps:
                        connection.close()
                connection.close()

            threads = [threading.Thread(target=call, args=(place, place % 2 == 0)) for place in range(10)]
            for thread in threads:
                thread.start()
            try:
                _wait(lambda: min(answered) > 10)
                with running_proxy(to, *shared, ready=False):
                    assert old.stop() == 0
                    before = list(answered)
                    _wait(lambda: all(now > then for now, then in zip(answered, before, strict=True)))
                    over.set()
                    for thread in threads:
                        thread.join()
            finally:
                over.set()
    assert wrong == []


def _wait(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not done():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.01)
