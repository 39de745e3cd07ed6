"""One running service with the smallest model of the package, for tests that need no settings of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rerank.service.running import Running, running_service


@pytest.fixture(scope="session")
def service() -> Iterator[Running]:
    with running_service("--model", "resift-tiny") as found:
        yield found
