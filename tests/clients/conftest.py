"""The environment of the clients, and services for them; without a package registry the tests here are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.client_programs import KEY, ClientPrograms, make_environment
from tests.rerank.service.running import Running, running_service


@pytest.fixture(scope="session")
def clients() -> ClientPrograms:
    """The newest version of every client."""
    found, reason = make_environment()
    if found is None:
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def service(clients: ClientPrograms) -> Iterator[Running]:
    """A service that needs no key."""
    with running_service("--model", "resift-tiny") as found:
        yield found


@pytest.fixture(scope="session")
def guarded(clients: ClientPrograms) -> Iterator[Running]:
    """A service that needs KEY."""
    with running_service("--model", "resift-tiny", environment={"RESIFT_SERVICE_KEYS": f"tests:{KEY}"}) as found:
        yield found
