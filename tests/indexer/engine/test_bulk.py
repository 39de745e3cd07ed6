"""Bulk requests to a scripted engine: which documents are sent again, which are refused, and what stops the load."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from resift.indexer.engine.bulk import Sender
from resift.indexer.engine.chunk import chunks
from resift.retrieval.errors import IndexingError, StatusError
from resift.retrieval.types import Document

Items = list[dict[str, Any]]


class Engine:
    """Stores documents like an engine; `refuse` maps an id and how often it was sent to an error, or None."""

    url = "http://engine"

    def __init__(self, refuse: Callable[[str, int], dict[str, Any] | None] = lambda doc_id, times: None) -> None:
        self.refuse = refuse
        self.documents: dict[str, Any] = {}
        self.times: dict[str, int] = {}

    def request(self, method: str, path: str, body: Any, params: Any = None, **_: Any) -> dict[str, Any]:
        if path.endswith("/_mget"):
            return {"docs": [{"_id": one, "_source": self.documents.get(one)} for one in body["ids"]]}
        lines = [json.loads(line) for line in body.splitlines()]
        return {"items": [{"create": self.take(*pair)} for pair in zip(lines[::2], lines[1::2], strict=True)]}

    def take(self, action: Any, source: Any) -> dict[str, Any]:
        doc_id = action["create"]["_id"]
        self.times[doc_id] = self.times.get(doc_id, 0) + 1
        refused = self.refuse(doc_id, self.times[doc_id])
        if refused:
            return refused
        if doc_id in self.documents:
            return {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "exists"}}
        self.documents[doc_id] = source
        return {"status": 201}


def error(status: int, kind: str = "x") -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "reason": f"because {kind}"}}


def send(engine: Any, documents: list[Document], patience: float = 5.0) -> Any:
    [chunk] = chunks(documents, 1000, 10**6)
    with Sender(engine, "/i", patience) as sender:
        return sender.send(chunk)


def many(count: int) -> list[Document]:
    return [Document(f"d{n}", f"text {n}") for n in range(count)]


@pytest.mark.parametrize("status", [429, 503])
def test_rejected_documents_are_sent_again_alone(status: int) -> None:
    engine = Engine(lambda doc_id, times: error(status) if doc_id in ("d1", "d2") and times < 3 else None)
    result = send(engine, many(4))
    assert (result.sent, result.created, result.refusals) == (4, 4, ())
    assert engine.times == {"d0": 1, "d1": 3, "d2": 3, "d3": 1}


def test_a_refused_document_is_reported_with_its_reason_and_the_others_are_indexed() -> None:
    result = send(Engine(lambda doc_id, times: error(400, "mapper_parsing") if doc_id == "d2" else None), many(4))
    [refusal] = result.refusals
    assert result.created == 3 and (refusal.doc_id, refusal.reason) == ("d2", "because mapper_parsing")


def test_an_existing_document_with_the_same_content_is_not_an_error_and_one_with_other_content_is() -> None:
    engine = Engine()
    engine.documents = {"d0": {"text": "text 0"}, "d1": {"text": "something else"}}
    result = send(engine, many(3))
    assert (result.sent, result.created, [one.doc_id for one in result.refusals]) == (3, 1, ["d1"])
    assert "was loaded before" in result.refusals[0].reason


def test_a_block_stops_the_load_and_a_cluster_without_a_master_does_not() -> None:
    blocked = Engine(lambda doc_id, times: error(403, "cluster_block_exception"))
    with pytest.raises(IndexingError, match="rejects writes: because cluster_block.*`resume`"):
        send(blocked, many(3))
    recovering = Engine(lambda doc_id, times: error(503, "cluster_block_exception") if times == 1 else None)
    assert send(recovering, many(3)).created == 3


class Failing(Engine):
    """An engine that fails every request of more than `fits` documents."""

    def __init__(self, status: int, kind: str, fits: int = 0) -> None:
        super().__init__()
        self.failure = StatusError("it says no", self.url, status, kind)
        self.fits = fits
        self.requests = 0

    def request(self, method: str, path: str, body: Any, params: Any = None, **more: Any) -> dict[str, Any]:
        self.requests += 1
        if len(body.splitlines()) // 2 > self.fits:
            raise self.failure
        return super().request(method, path, body, params, **more)


def test_a_chunk_that_is_too_large_is_sent_in_halves() -> None:
    result = send(Failing(413, "", fits=3), many(10))
    assert (result.sent, result.created) == (10, 10)


def test_an_error_that_all_documents_share_stops_the_load() -> None:
    engine = Failing(400, "illegal_argument_exception")
    with pytest.raises(IndexingError, match="every document"):
        send(engine, many(1000))
    assert engine.requests < 40


def test_neighbouring_documents_whose_ids_are_too_long_are_refused_one_by_one() -> None:
    class Picky(Engine):
        def request(self, method: str, path: str, body: Any, params: Any = None, **more: Any) -> dict[str, Any]:
            if path.endswith("_bulk") and b"bad" in body:
                raise StatusError("id is too long", self.url, 400, "action_request_validation_exception")
            return super().request(method, path, body, params, **more)

    documents = [Document(f"{'bad' if 20 <= n < 60 else 'd'}{n}", "text") for n in range(100)]
    result = send(Picky(), documents)
    assert (result.created, len(result.refusals)) == (60, 40)


def test_an_existing_document_of_which_the_engine_stores_a_part_is_recognized() -> None:
    engine = Engine()
    engine.documents = {"d0": {}, "d1": {"title": "x"}, "d2": {"text": "text 2", "added": "by a pipeline"}}
    assert send(engine, many(3)).refusals == ()


def test_a_request_whose_response_lacks_items_is_sent_again() -> None:
    class Short(Engine):
        short = 2

        def request(self, *arguments: Any, **more: Any) -> dict[str, Any]:
            answer = super().request(*arguments, **more)
            self.short -= 1
            return answer if self.short < 0 or "items" not in answer else {"items": answer["items"][:1]}

    assert send(Short(), many(3)).sent == 3


@pytest.mark.parametrize(
    ("status", "kind", "part"),
    [
        (403, "cluster_block_exception", "rejects writes"),
        (401, "", "it says no"),
        (404, "index_not_found_exception", "removed"),
    ],
)
def test_an_error_that_is_not_transient_stops_the_load_at_once(status: int, kind: str, part: str) -> None:
    engine = Failing(status, kind)
    with pytest.raises(IndexingError, match=part):
        send(engine, many(3))
    assert engine.requests == 1


def test_an_engine_that_does_not_respond_stops_the_load_after_patience() -> None:
    with pytest.raises(IndexingError, match="no progress for .*`resume`"):
        send(Failing(0, ""), many(3), patience=0.3)


def test_a_pause_of_the_source_is_not_a_wait_for_the_engine() -> None:
    engine = Engine(lambda doc_id, times: error(429) if doc_id == "d1" and times == 1 else None)
    first, second = chunks(many(2), 1, 10**6)
    with Sender(engine, "/i", patience=0.5) as sender:  # type: ignore[arg-type]
        sender.send(first)
        time.sleep(0.6)
        assert sender.send(second).created == 1
