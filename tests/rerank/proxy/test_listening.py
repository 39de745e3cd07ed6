"""Addresses that are listened on, and a port that is handed over from one listener to another."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from resift.rerank.proxy.listening import listen, read_host_and_port, step_aside
from resift.retrieval.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:9400", ("127.0.0.1", 9400)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:9400", ("::1", 9400)),
        (" 0.0.0.0:65535 ", ("0.0.0.0", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, expected: tuple[str, int]) -> None:
    assert read_host_and_port(text, "listen") == expected


@pytest.mark.parametrize(
    "text", ["", ":", "9400", ":9400", "localhost", "localhost:", "a:65536", "a:-1", "a:b", "a:²", "a:1.5", "[]:1"]
)
def test_other_texts_are_refused_with_the_name_of_their_setting(text: str) -> None:
    with pytest.raises(SettingsError, match="expected HOST:PORT") as raised:
        read_host_and_port(text, "admin")
    assert raised.value.field == "admin"


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid", "a..b", "x" * 70])
def test_a_host_that_is_not_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(SettingsError) as raised, listen(f"{host}:0", "listen", share=False):
        pass
    assert raised.value.field == "listen"


def test_a_port_that_is_in_use_is_refused_even_before_anything_was_accepted() -> None:
    with listen("127.0.0.1:0", "listen", share=False) as first:
        address = f"127.0.0.1:{first.getsockname()[1]}"
        for share in (False, True):
            with pytest.raises(SettingsError, match="choose another port") as raised, listen(address, "admin", share):
                pass
            assert raised.value.field == "admin"
    with listen(address, "listen", share=False):  # it is free again
        pass


def test_a_port_can_be_shared_if_both_say_so() -> None:
    with listen("127.0.0.1:0", "listen", share=True) as first:
        address = f"127.0.0.1:{first.getsockname()[1]}"
        with listen(address, "listen", share=True) as second:
            assert first.getsockname() == second.getsockname()
        with pytest.raises(SettingsError), listen(address, "listen", share=False):
            pass


@contextmanager
def answering(listener: socket.socket) -> Iterator[list[int]]:
    """Answer connections to `listener` with one byte, in a thread with a loop; yields how often."""
    served = [0]
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served[0] += 1
        writer.write(b"!")
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, sock=listener)
        await stop.wait()
        for accepted in step_aside(listener):
            _, writer = await asyncio.open_connection(sock=accepted)
            served[0] += 1
            writer.write(b"!")
            writer.close()
        await asyncio.sleep(0.2)
        server.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@contextmanager
def callers(address: tuple[str, int], count: int) -> Iterator[list[str]]:
    """Connect again and again in threads until the block ends; yields what went wrong."""
    over, wrong = threading.Event(), []

    def call() -> None:
        while not over.is_set():
            try:
                with socket.create_connection(address, timeout=30) as one:
                    if one.recv(1) != b"!":
                        wrong.append("nothing came")
            except OSError as error:
                wrong.append(repr(error))

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone can move connections between listeners")
def test_a_port_is_handed_over_again_and_again_without_one_lost_connection() -> None:
    with ExitStack() as stack:
        current = ExitStack()
        first = current.enter_context(listen("127.0.0.1:0", "listen", share=True))
        address = first.getsockname()
        current.enter_context(answering(first))
        wrong = stack.enter_context(callers(address, 6))
        for _ in range(6):
            following = ExitStack()
            listener = following.enter_context(listen(f"127.0.0.1:{address[1]}", "listen", share=True))
            served = following.enter_context(answering(listener))
            current.close()
            before = served[0]
            while served[0] == before and not wrong:
                time.sleep(0.01)
            current = following
        stack.close()
        current.close()
    assert wrong == []


def test_a_listener_that_is_alone_steps_aside_for_nobody() -> None:
    with listen("127.0.0.1:0", "listen", share=True) as alone:
        with socket.create_connection(alone.getsockname()) as caller:
            accepted = step_aside(alone)
            assert [one.getpeername() for one in accepted] == [caller.getsockname()]
            for one in accepted:
                one.close()
        with socket.create_connection(alone.getsockname()):
            alone.setblocking(True)
            alone.accept()[0].close()
