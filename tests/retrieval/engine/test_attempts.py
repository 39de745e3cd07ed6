"""How many requests reach an engine that fails: those that the settings promise, and not a product of two retries."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from resift.retrieval.engine.retriever import EngineRetriever
from resift.retrieval.engine.settings import ConnectionSettings, OpenOptions
from resift.retrieval.errors import StatusError
from resift.retrieval.types import Query
from tests.retrieval.engine.serving import scripted

RETRIES = 2
OPTIONS = OpenOptions(ConnectionSettings(flavour="opensearch", max_retries=RETRIES))
FIELDS = json.dumps({"fields": {"body": {"text": {}}}}).encode()
REJECTED = {"status": 429, "error": {"type": "rejected_execution_exception", "reason": "queue is full"}}
ITEMS = (200, json.dumps({"responses": [REJECTED, REJECTED]}).encode())
WHOLE = (503, b"{}")


@pytest.mark.parametrize(
    ("queries", "responses"),
    [(1, [WHOLE]), (2, [WHOLE]), (2, [ITEMS]), (2, [WHOLE, ITEMS]), (2, [ITEMS, WHOLE])],
)
def test_a_search_is_given_up_after_max_retries_however_the_engine_rejects_it(
    queries: int, responses: list[tuple[int, bytes]]
) -> None:
    found = searches(queries, lambda number: responses[number % len(responses)])
    assert found == 1 + RETRIES


def searches(queries: int, respond: Callable[[int], tuple[int, bytes]]) -> int:
    """Return how many search requests a failing call of `retrieve` sends; `respond` maps the number of each from 0."""
    sent: list[str] = []

    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path.endswith("/_field_caps"):
            return 200, FIELDS
        sent.append(path)
        return respond(len(sent) - 1)

    with scripted(answer) as (url, _):
        retriever = EngineRetriever.open(f"{url}/i", OPTIONS)
        with pytest.raises(StatusError):
            retriever.retrieve([Query(str(n), f"word {n}") for n in range(queries)], 10)
        retriever.engine.close()
    return len(sent)
