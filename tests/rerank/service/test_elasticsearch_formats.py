"""Bodies as Elasticsearch's inference services send them, and replies read by the rules of their parsers.

Recorded formats, since no Elasticsearch with the inference plugin is available; the endpoints are those of
docs/engine-hooks.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from resift.rerank.scorers.load import load_scorer
from tests.engine.service_hook import requests_of
from tests.rerank.service.elasticsearch_inference import (
    Ranked,
    RefusedError,
    cohere_request,
    custom_request,
    hugging_face_request,
    jina_request,
    read_custom,
    read_hugging_face,
    read_strict,
    retrieved,
)
from tests.rerank.service.running import Running

QUERY = "what do cats eat"
TEXTS = ["Dogs bark at night.", 'Cats eat "meat" and {fish}.', "", "A bridge\ncrosses the river. é漢 🙂"]

ENDPOINTS: dict[str, dict[str, Any]] = {
    body["service"]: body["service_settings"] for _, _, body in requests_of("elasticsearch") if "service" in body
}
"""The service settings of each endpoint that the document creates."""

Write = Callable[[str, Sequence[str], int | None, bool | None], bytes]
Read = Callable[[bytes], list[Ranked]]


def custom(query: str, texts: Sequence[str], top_n: int | None, return_documents: bool | None) -> bytes:
    return custom_request(ENDPOINTS["custom"]["request"], query, texts)


SERVICES: dict[str, tuple[str, Write, Read]] = {
    "hugging_face": (urlsplit(ENDPOINTS["hugging_face"]["url"]).path, hugging_face_request, read_hugging_face),
    "openshift_ai": (urlsplit(ENDPOINTS["openshift_ai"]["url"]).path, jina_request, read_strict),
    "openshift_ai with a model": (
        urlsplit(ENDPOINTS["openshift_ai"]["url"]).path,
        partial(jina_request, model="resift-tiny"),
        read_strict,
    ),
    "jinaai": ("/v1/rerank", partial(jina_request, model="jina-reranker-v2-base-multilingual"), read_strict),
    "cohere": ("/v2/rerank", cohere_request, read_strict),
    "custom": (
        urlsplit(ENDPOINTS["custom"]["url"]).path,
        custom,
        read_custom(ENDPOINTS["custom"]["response"]["json_parser"]),
    ),
}
every_service = pytest.mark.parametrize("name", SERVICES)


def ask(service: Running, name: str, query: str, texts: Sequence[str], *task: Any) -> list[Ranked]:
    """Send what the service of Elasticsearch sends with the settings `task`, top_n and return_documents, and read it."""
    path, write, read = SERVICES[name]
    body = write(query, texts, *(task or (None, None)))
    headers = {"Content-Type": "application/json", "Authorization": "Bearer any-key"}
    reply = httpx.post(service.url + path, content=body, headers=headers, timeout=60)
    assert reply.status_code == 200, reply.text
    return read(reply.content)


def test_the_document_has_the_three_services_that_take_an_address() -> None:
    assert sorted(ENDPOINTS) == ["custom", "hugging_face", "openshift_ai"]


def test_bodies_are_those_of_the_sources() -> None:
    assert hugging_face_request("q", ["a"], None, None) == b'{"texts":["a"],"query":"q"}'
    assert hugging_face_request("q", ["a"], 3, True) == b'{"texts":["a"],"query":"q","return_text":true,"top_n":3}'
    assert jina_request("q", ["a"], 3, False, "m") == (
        b'{"model":"m","query":"q","documents":["a"],"top_n":3,"return_documents":false}'
    )
    assert json.loads(custom('say "q"', ["a"], None, None)) == {
        "query": 'say "q"',
        "documents": ["a"],
        "timeout_ms": 2000,
    }


@every_service
def test_the_call_that_creates_an_endpoint_is_answered(service: Running, name: str) -> None:
    [one] = ask(service, name, "test query", ["how big"], 1, True)
    assert one.index == 0 and 0.0 <= one.score <= 1.0


@every_service
def test_the_retriever_gets_one_score_for_each_document_in_the_order_of_the_model(service: Running, name: str) -> None:
    ranked = ask(service, name, QUERY, TEXTS)
    rows = load_scorer("resift-tiny").rank(QUERY, [text for text in TEXTS if text])
    with_text = [place for place, text in enumerate(TEXTS) if text]
    expected = [with_text[row["corpus_id"]] for row in rows]
    assert [one.index for one in ranked] == [*expected, 2]  # the empty one last
    assert [index for index, _ in retrieved(ranked, len(TEXTS))] == [*expected, 2]


@every_service
def test_1000_documents_are_answered_in_one_call(service: Running, name: str) -> None:
    texts = [f"cats eat {'fish ' * (place % 7)}number {place * 37 % 1000}" for place in range(1000)]
    ranked = ask(service, name, QUERY, texts)
    shown = retrieved(ranked, len(texts))
    assert len(shown) == 1000 and [one.index for one in ranked] == [index for index, _ in shown]


@pytest.mark.parametrize("name", ["hugging_face", "openshift_ai", "jinaai", "cohere"])
@pytest.mark.parametrize("return_documents", [True, False])
def test_top_n_and_texts_are_returned_as_the_task_settings_ask(
    service: Running, name: str, return_documents: bool
) -> None:
    ranked = ask(service, name, QUERY, TEXTS, 2, return_documents)
    assert len(ranked) == 2 and ranked[0].index == 1
    if name != "cohere":  # its second version returns no documents
        assert ranked[0].text == (TEXTS[1] if return_documents else None)


@every_service
@pytest.mark.parametrize("query", ['say "cats" {eat} \\ [5]\n', "$query {x}", '["a"]', '{"a": 1}', "null", "5"])
def test_any_words_are_a_query(service: Running, name: str, query: str) -> None:
    assert len(ask(service, name, query, TEXTS)) == len(TEXTS)


def test_a_placeholder_in_a_query_or_a_document_is_refused_by_the_service_custom_alone(service: Running) -> None:
    for query, texts in (("what is ${HOME}", TEXTS), (QUERY, ["a ${name} b"])):
        with pytest.raises(RefusedError, match="placeholder"):
            ask(service, "custom", query, texts)
        assert len(ask(service, "openshift_ai", query, texts)) == len(texts)


@pytest.mark.parametrize(
    ("read", "reply"),
    [
        (read_strict, '{"results": [{"index": 0, "relevance_score": 0.5, "title": "unknown"}]}'),
        (read_strict, '{"results": [{"index": 0, "relevance_score": 0.5, "document": "a text"}]}'),
        (
            read_strict,
            '{"results": [{"index": 0, "relevance_score": 0.5, "document": {"text": "a", "multi_modal": 0}}]}',
        ),
        (read_strict, '{"results": [{"index": 0, "relevance_score": NaN}]}'),
        (read_strict, '[{"index": 0, "score": 0.5}]'),
        (read_hugging_face, '{"results": [{"index": 0, "relevance_score": 0.5}]}'),
        (read_hugging_face, '[{"index": 0, "relevance_score": 0.5}]'),
        (SERVICES["custom"][2], '[{"index": 0, "score": 0.5}]'),
        (SERVICES["custom"][2], '{"results": [{"index": 0, "relevance_score": 0.5}, {"index": 1}]}'),
    ],
)
def test_the_parsers_of_this_test_refuse_what_those_of_elasticsearch_refuse(read: Read, reply: str) -> None:
    with pytest.raises(RefusedError):
        read(reply.encode())


def test_fewer_scores_than_documents_are_refused_and_none_keeps_the_first_order() -> None:
    with pytest.raises(RefusedError, match="count mismatch"):
        retrieved([Ranked(0, 0.5)], 2)
    assert retrieved([], 2) == []


@pytest.mark.parametrize(("path", "body"), [("/rerank", {"texts": []}), ("/v1/rerank", {"documents": []})])
def test_an_error_is_json_with_the_text_that_elasticsearch_reports(
    service: Running, path: str, body: dict[str, Any]
) -> None:
    reply = httpx.post(service.url + path, json={"query": "q", **body})
    assert reply.status_code == 400 and isinstance(reply.json()["error"], str) and reply.json()["error_type"] == "Empty"
