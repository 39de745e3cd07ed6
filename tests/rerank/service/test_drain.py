"""SIGTERM under load: what was accepted is answered, counted by the service and by its callers; a killed one restarts."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field

import httpx

from tests.rerank.service.running import Running, running_service


@dataclass
class Caller:
    """Sends requests one after another on one connection until the service is gone."""

    url: str
    number: int
    answered: int = 0
    refused: list[int] = field(default_factory=list)
    broken: int = 0

    def run(self) -> None:
        with httpx.Client(timeout=60) as client:
            for turn in range(10_000):
                texts = [f"document {self.number} {turn} {place} about cats and their food" for place in range(20)]
                try:
                    reply = client.post(f"{self.url}/rerank", json={"query": "what do cats eat", "texts": texts})
                except httpx.TransportError:  # the connection is closed between two requests, or not opened any more
                    self.broken += 1
                    return
                if reply.status_code == 200:
                    assert len(reply.json()) == 20
                    self.answered += 1
                else:
                    self.refused.append(reply.status_code)


def stop_under_load(running: Running, callers: int) -> list[Caller]:
    """Send requests from several threads, stop the service in the middle, and return what the callers counted."""
    counted = [Caller(running.url, number) for number in range(callers)]
    threads = [threading.Thread(target=caller.run) for caller in counted]
    for thread in threads:
        thread.start()
    running.wait_for("request", count=3 * callers)
    assert running.stop(signal.SIGTERM) == 0
    for thread in threads:
        thread.join(60)
    return counted


def test_every_accepted_request_is_answered_when_the_service_is_asked_to_stop_under_load() -> None:
    with running_service("--model", "resift-tiny", "--max-queue-seconds", "600") as running:
        counted = stop_under_load(running, callers=8)
        stopped = running.wait_for("stopped")
    answered = sum(caller.answered for caller in counted)
    assert answered >= 24 and not any(caller.refused for caller in counted)
    assert (stopped["accepted"], stopped["answered"], stopped["left"], stopped["open"]) == (answered, answered, 0, 0)
    assert all(caller.broken == 1 for caller in counted)


def test_a_killed_service_starts_again_on_its_port() -> None:
    with running_service("--model", "resift-tiny") as running:
        port = running.url.rsplit(":", 1)[1]
        assert running.stop(signal.SIGKILL) == -signal.SIGKILL
    with running_service("--model", "resift-tiny", "--port", port) as again:
        assert again.url.endswith(f":{port}")
        assert httpx.get(f"{again.url}/ready").status_code == 200
