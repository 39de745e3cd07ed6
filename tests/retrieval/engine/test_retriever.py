"""Many searches in one request: those that the engine rejects are sent again, and only those."""

from __future__ import annotations

import json
from typing import Any

import pytest

from resift.retrieval.engine.retriever import EngineRetriever
from resift.retrieval.engine.retry import Retry
from resift.retrieval.errors import StatusError
from resift.retrieval.types import Query

REJECTED = {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue is full"}}
MALFORMED = {"status": 400, "error": {"type": "parsing_exception", "reason": "unknown query"}}


class Engine:
    """Finds one document per query, named like it; `refused` holds the first responses to a query, by its text."""

    url, secrets, notes = "http://engine", (), ()

    def __init__(self, refused: dict[str, list[dict[str, Any]]]) -> None:
        self.refused = refused
        self.sent: list[list[str]] = []

    def request(self, method: str, path: str, body: Any = None, params: Any = None, **_: Any) -> dict[str, Any]:
        if path.endswith("/_field_caps"):
            return {"fields": {"body": {"text": {}}}}
        searches = [json.loads(line) for line in body.splitlines()[1::2]]
        texts = [search["query"]["multi_match"]["query"] for search in searches]
        self.sent.append(texts)
        return {"responses": [self.respond(text) for text in texts]}

    def retry(self) -> Retry:
        return Retry(attempts=6, wait=lambda retry: 0.0)

    def respond(self, text: str) -> dict[str, Any]:
        if self.refused.get(text):
            return self.refused[text].pop(0)
        hit = {"_index": "i", "_id": text, "_score": 1.0, "_source": {"body": text}}
        return {"status": 200, "_shards": {"total": 1, "successful": 1}, "hits": {"hits": [hit]}}


def retriever(**refused: list[dict[str, Any]]) -> tuple[EngineRetriever, Engine]:
    engine: Any = Engine(refused)
    return EngineRetriever(engine, "http://engine:9200/i"), engine


QUERIES = [Query(text, text) for text in ("a", "b", "c")]


def test_searches_that_the_engine_rejects_are_sent_again_alone() -> None:
    first_stage, engine = retriever(b=[REJECTED, REJECTED], c=[REJECTED])
    rankings = first_stage.retrieve(QUERIES, 10)
    assert [[(hit.document.doc_id, hit.score) for hit in one.hits] for one in rankings] == [
        [(q.text, 1.0)] for q in QUERIES
    ]
    assert engine.sent == [["a", "b", "c"], ["b", "c"], ["b"]]


def test_a_search_that_the_engine_cannot_run_is_an_error_at_once() -> None:
    first_stage, engine = retriever(a=[REJECTED], b=[MALFORMED])
    with pytest.raises(StatusError, match="unknown query"):
        first_stage.retrieve(QUERIES, 10)
    assert len(engine.sent) == 1


def test_the_engines_reason_is_raised_after_the_last_attempt() -> None:
    first_stage, engine = retriever(b=[REJECTED] * 100)
    with pytest.raises(StatusError, match="queue is full"):
        first_stage.retrieve(QUERIES, 10)
    assert engine.sent == [["a", "b", "c"], *[["b"]] * 5]
