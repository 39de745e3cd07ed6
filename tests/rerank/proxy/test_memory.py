"""A running proxy passes large bodies on without keeping them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.rerank.proxy.fake_engine import Visit, answering, response
from tests.rerank.proxy.passing import passing
from tests.rerank.proxy.running_proxy import resident_bytes, running_proxy
from tests.rerank.service.raw_http import Line

PART = bytes(range(256)) * 4096
"""1 MB."""


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads the memory of a process from /proc")
def test_50_mb_up_and_down_pass_unchanged_and_memory_stays(tmp_path: Path) -> None:
    digests: list[str] = []

    async def script(visit: Visit) -> None:
        while True:
            head, digest, left = await visit.head(), hashlib.sha256(), 50 << 20
            if head.startswith(b"GET"):
                await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (50 << 20))
                for _ in range(50):
                    await visit.send(PART)
                continue
            while left:
                part = await visit.reader.read(min(left, 1 << 20))
                digest.update(part)
                left -= len(part)
            digests.append(digest.hexdigest())
            await visit.send(response())

    expected = hashlib.sha256(PART * 50).hexdigest()
    with (
        passing(answering(response()), script) as engines,
        running_proxy(f"http://127.0.0.1:{engines.nodes[1].port}", ready=False) as proxy,
        Line(proxy.url) as line,
    ):
        proxy.wait_for("ready")
        line.send(b"GET /a HTTP/1.1\r\n\r\n")
        assert _digest(line) == expected
        before = resident_bytes(proxy)
        for _ in range(2):
            line.send(b"POST /_bulk HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (50 << 20))
            for _ in range(50):
                line.send(PART)
            assert line.answer() is not None
            line.send(b"GET /a HTTP/1.1\r\n\r\n")
            assert _digest(line) == expected
        assert resident_bytes(proxy) - before < 10 << 20
    assert digests == [expected] * 2


def _digest(line: Line) -> str:
    assert line._until(b"\r\n\r\n") is not None
    digest, left = hashlib.sha256(), 50 << 20
    while left:
        held, line._held = line._held, b""
        digest.update(held)
        left -= len(held)
        if left:
            assert line._more()
    return digest.hexdigest()
