"""What the clients do with status 429 and its Retry-After."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.clients.client_programs import ClientPrograms, ranked
from tests.rerank.service.running import Running, running_service


def occupy(service: Running) -> tuple[socket.socket, int]:
    """Start a request that does not end, to a service that answers one at a time; return it, and how many were logged."""
    address = urlsplit(service.url)
    held = socket.create_connection((str(address.hostname), int(address.port or 0)))
    held.sendall(b"POST /rerank HTTP/1.1\r\nHost: service\r\nContent-Length: 9\r\n\r\n")
    for probe in range(1, 1000):
        if httpx.get(f"{service.url}/v1/models").status_code == 429:
            return held, probe
    raise AssertionError("the service is not busy")


def refused_then_served(clients: ClientPrograms, client: str) -> Any:
    """Return what `client` gets from a busy service, "refused" without retries, "served" with them; the second 429 ends
    what keeps it busy.
    """
    with running_service("--model", "resift-tiny", "--max-requests", "1") as service:
        held, logged = occupy(service)
        program = clients.start("busy", service.url, client=client)
        assert service.wait_for("request", logged + 2)["status"] == 429
        held.close()
        output, errors = program.communicate(timeout=60)
        assert program.returncode == 0, errors
        return json.loads(output)


@pytest.mark.parametrize(
    ("client", "raised"),
    [("cohere", "TooManyRequestsError"), ("voyage", "RateLimitError"), ("haystack", "RuntimeError")],
)
def test_a_busy_service_is_asked_again(clients: ClientPrograms, client: str, raised: str) -> None:
    reply = refused_then_served(clients, client)
    refused = reply["refused"]
    assert refused["raised"] == raised
    assert refused["retry_after"] == (None if client == "haystack" else "1")
    assert reply["served"] == [index for index, _ in ranked()]
