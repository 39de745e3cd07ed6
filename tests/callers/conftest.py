"""A service that asks for a key, and the order that its callers must print."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from resift.rerank.scorers.load import load_scorer
from tests.callers.programs import DOCUMENTS, KEY, QUERY
from tests.rerank.service.running import Running, running_service


@pytest.fixture(scope="session")
def locked_service() -> Iterator[Running]:
    with running_service("--model", "resift-tiny", environment={"RESIFT_SERVICE_KEYS": KEY}) as found:
        yield found


@pytest.fixture(scope="session")
def expected() -> list[str]:
    return [DOCUMENTS[row["corpus_id"]] for row in load_scorer("resift-tiny").rank(QUERY, DOCUMENTS)]
