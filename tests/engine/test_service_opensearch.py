"""OpenSearch calls the service by its own connector and `rerank` processor, as docs/engine-hooks.md describes it."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from resift.rerank.pipeline import Pipeline
from resift.rerank.reranker import Reranker
from resift.rerank.scorers.load import load_scorer
from resift.rerank.settings import RerankSettings
from resift.retrieval.registry import open_retriever
from resift.retrieval.types import Query
from tests.engine.engines import SHARED, ask
from tests.engine.searching import Fill
from tests.engine.service_hook import (
    CONNECTOR,
    FIRST_STAGE,
    KEY,
    MODEL,
    PIPELINE,
    PREDICTION,
    REMOVAL,
    SEARCH,
    THEIRS,
    Hook,
    allowed,
    asked,
    hooked,
    order,
    send,
)
from tests.rerank.cli.invoke import invoke
from tests.rerank.service.running import running_service

pytestmark = [pytest.mark.engine, pytest.mark.parametrize("engine", ["opensearch"], indirect=True)]

TEXTS = [
    "Dogs bark at night.",
    'Cats eat "meat", {fish} and [milk] \\ bread.',
    '{"k": "v", "cats": 5}',
    '["cats"]',
    "é漢 🙂 $ {parameters} $.x",
    "What do cats live on?\nMice.\tAnd 5 birds.",
    "null",
]
QUERY = "what do cats eat"


def filling(texts: list[str]) -> dict[str, dict[str, object]]:
    return {str(place): {"text": text} for place, text in enumerate(texts)}


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    keys = {"RESIFT_SERVICE_KEYS": f"opensearch:{KEY}"}
    with running_service("--model", "resift-tiny", environment=keys) as running:
        yield running.url


@pytest.fixture(scope="module")
def hook(engine: str, service: str) -> Iterator[Hook]:
    with allowed(engine), hooked(engine, service) as found:
        yield found


@pytest.mark.shared
def test_200_queries_of_a_collection_get_exactly_the_order_of_resift_search(
    hook: Hook, target: str, name: str, tmp_path: Path
) -> None:
    folder = SHARED / "collections" / "squad-dev"
    done = invoke("index", str(folder), "--to", target, "--replicas", "0", "--state", str(tmp_path / "state"))
    assert done.code == 0, done.err
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()[:200]
    queries = [Query(row["_id"], row["text"]) for row in map(json.loads, lines)]
    settings = RerankSettings(template="{text}", fusion="none")
    results = Pipeline(open_retriever(target), Reranker(load_scorer("resift-tiny"), settings)).search(queries)
    orders: dict[str, list[str]] = {}
    with hook.pipeline("text") as pipeline:
        for query in queries:
            match = {"match": {"resift_text": query.text}}
            orders[query.query_id] = order(hook.search(pipeline, name, query.text, query=match, size=100))
    assert len(results) == 200 and {len(found) for found in orders.values()} == {100}
    for result in results:
        expected = [hit.document.doc_id for hit in result.ranking.hits]
        assert orders[result.ranking.query.query_id] == expected, result.ranking.query


def test_every_request_of_the_document_succeeds_in_its_order(
    hook: Hook, engine: str, service: str, filled: Fill, name: str
) -> None:
    """The settings, the first request, are those of `hook`."""
    filled(filling(["Dogs eat meat.", "Cats live on meat and fish, which cats eat."]))
    places = {THEIRS: service, "articles": name, "resift-small": "resift-tiny"}
    connector = send(engine, CONNECTOR, places).json()
    places["CONNECTOR_ID"] = connector["connector_id"]
    places["MODEL_ID"] = send(engine, MODEL, places).json()["model_id"]
    [result] = send(engine, PREDICTION, places).json()["inference_results"]
    assert result["output"][0]["data"] < result["output"][1]["data"]
    assert send(engine, PIPELINE, places).status_code == 200
    assert order(send(engine, SEARCH, places)) == ["1", "0"]
    assert [send(engine, request, places).status_code for request in REMOVAL] == [200, 200, 200, 200]


@pytest.mark.parametrize(
    "query", [QUERY, 'say "cats" {eat} [5] \\ \n\t', "5", "null", '"cats"', "{a}", "[1", "é漢 🙂", "%s $.x \\u0041"]
)
def test_any_words_arrive_as_they_are(hook: Hook, service: str, filled: Fill, name: str, query: str) -> None:
    filled(filling(TEXTS))
    first = order(hook.search(FIRST_STAGE, name, query))
    with hook.pipeline("text") as pipeline:
        found = hook.search(pipeline, name, query)
    expected = asked(service, query, [TEXTS[int(doc_id)] for doc_id in first]).json()["results"]
    assert order(found) == [first[result["index"]] for result in expected]
    scores = [hit["_score"] for hit in found.json()["hits"]["hits"]]
    assert scores == pytest.approx([result["relevance_score"] for result in expected], rel=1e-6)


@pytest.mark.parametrize("query", ['["a"]', '{"a": 1}', "${parameters.documents}", "${parameters.x}", ""])
def test_a_query_that_cannot_be_sent_keeps_the_first_order_only_with_ignore_failure(
    hook: Hook, filled: Fill, name: str, query: str
) -> None:
    filled(filling(TEXTS))
    with hook.pipeline("text") as pipeline:
        assert hook.search(pipeline, name, query).status_code == 400
    with hook.pipeline("text", ignore_failure=True) as pipeline:
        assert order(hook.search(pipeline, name, query)) == order(hook.search(FIRST_STAGE, name, query))


def test_documents_without_text_come_last_in_the_order_of_the_first_stage(hook: Hook, filled: Fill, name: str) -> None:
    filled({"1": {"text": ""}, "2": {"title": "cats"}, "3": {"text": ["cats eat", "fish"]}, "4": {"text": "dogs"}})
    first = order(hook.search(FIRST_STAGE, name, QUERY))
    with hook.pipeline("text") as pipeline:
        empty = [doc_id for doc_id in first if doc_id in "12"]
        assert order(hook.search(pipeline, name, QUERY)) == ["3", "4", *empty]
        assert order(hook.search(pipeline, name, QUERY, _source=False)) == first


def test_1000_documents_are_reranked_in_one_call_and_all_come_back_at_a_deadline(
    hook: Hook, engine: str, service: str, filled: Fill, name: str
) -> None:
    texts = [f"cats eat {'fish ' * (place % 7)}number {place * 37 % 1000}" for place in range(1000)]
    target = filled({})
    lines = "".join(f'{{"index": {{"_id": "{n}"}}}}\n{json.dumps({"text": text})}\n' for n, text in enumerate(texts))
    httpx.post(f"{target}/_bulk?refresh=true", content=lines, headers={"Content-Type": "application/x-ndjson"})
    with hooked(engine, service, timeout_ms=1) as hasty, hasty.pipeline("text") as pipeline:
        assert sorted(order(hook.search(pipeline, name, QUERY)), key=int) == [str(n) for n in range(1000)]
    first = order(hook.search(FIRST_STAGE, name, QUERY))
    expected = asked(service, QUERY, [texts[int(doc_id)] for doc_id in first]).json()["results"]
    with hook.pipeline("text") as pipeline:
        assert order(hook.search(pipeline, name, QUERY)) == [first[result["index"]] for result in expected]


def test_every_score_is_a_float_of_at_most_18_characters(hook: Hook, service: str) -> None:
    """OpenSearch cannot read others: integers, and numbers that its parser turns into a BigDecimal."""
    varied = [f"{'cats eat ' * (place % 9)}{place} {'meat ' * (place % 4)}" for place in range(3000)]
    tokens = []
    for texts in (varied, ["cats eat meat"] * 1000, ["", " ", "\u200b"], ["one"], [QUERY, ""]):
        reply = asked(service, QUERY, texts).text
        found = re.findall(r'"relevance_score":([^,}]+)', reply)
        assert len(found) == len(texts)
        tokens += found
    wrong = [token for token in tokens if len(token) > 18 or not re.fullmatch(r"\d+\.\d+(e-\d+)?|\d+e-\d+", token)]
    assert wrong == []


@contextmanager
def refusing(reason: str) -> Iterator[tuple[str, int]]:
    """Yield the address of a service that does not answer, and the status that OpenSearch then gives."""
    if reason == "down":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))  # it does not listen
            yield f"http://127.0.0.1:{free.getsockname()[1]}", 500
    elif reason == "another key":
        keys = {"RESIFT_SERVICE_KEYS": "opensearch:another-key-of-opensearch"}
        with running_service("--model", "resift-tiny", environment=keys) as running:
            yield running.url, 401
    else:
        with running_service("--model", "resift-tiny", "--max-requests", "1") as running, slow_request(running.url):
            yield running.url, 429


@contextmanager
def slow_request(url: str) -> Iterator[None]:
    """Send a part of a request, until the service has no room for another one."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 80)) as connection:
        connection.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        while httpx.post(f"{url}/score", json={"text_1": "a", "text_2": "b"}).status_code != 429:
            time.sleep(0.01)
        yield


@pytest.mark.parametrize("reason", ["down", "another key", "overloaded"])
def test_a_service_that_does_not_answer_fails_the_search_only_without_ignore_failure(
    hook: Hook, engine: str, filled: Fill, name: str, reason: str
) -> None:
    filled(filling(TEXTS))
    with refusing(reason) as (url, status), hooked(engine, url) as broken:
        with broken.pipeline("text", ignore_failure=True) as pipeline:
            found = broken.search(pipeline, name, QUERY)
            assert order(found) == order(broken.search(FIRST_STAGE, name, QUERY))
            assert {hit["_score"] for hit in found.json()["hits"]["hits"]} == {1.0}
        with broken.pipeline("text") as pipeline:
            failed = broken.search(pipeline, name, QUERY)
            assert failed.status_code == status, failed.text


def test_a_document_that_names_a_parameter_gets_its_value_or_fails_the_search(
    hook: Hook, service: str, filled: Fill, name: str
) -> None:
    """A defect of OpenSearch, which the document warns of: who writes documents can put them first by it."""
    target = filled(filling(["Dogs bark at night.", "${parameters.query}"]))
    with hook.pipeline("text") as pipeline:
        found = hook.search(pipeline, name, QUERY)
        assert order(found) == ["1", "0"]
        [score, *_] = asked(service, QUERY, [QUERY]).json()["results"]
        assert found.json()["hits"]["max_score"] == pytest.approx(score["relevance_score"], rel=1e-6)
        ask("PUT", f"{target}/_doc/2?refresh=true", {"text": "${parameters.documents}"})
        assert hook.search(pipeline, name, QUERY).status_code == 500
        ask("PUT", f"{target}/_doc/2?refresh=true", {"text": "${parameters.unknown}"})
        assert hook.search(pipeline, name, QUERY).status_code == 400


def test_traps_of_the_processor_are_those_of_the_document(
    hook: Hook, engine: str, service: str, filled: Fill, name: str
) -> None:
    documents = [("apple", "green"), ("green", "apple pie"), ("dogs", "bark")]
    target = filled({str(place): {"title": title, "body": body} for place, (title, body) in enumerate(documents)})
    with hook.pipeline("title", "body") as pipeline:
        found = order(hook.search(pipeline, name, "green apple"))
        joined = asked(service, "green apple", [title + body for title, body in documents]).json()["results"]
        assert found == [str(result["index"]) for result in joined]
        for page in range(3):  # each is reranked by itself
            plain = order(hook.search(FIRST_STAGE, name, "green apple", **{"size": 1, "from": page}))
            assert order(hook.search(pipeline, name, "green apple", **{"size": 1, "from": page})) == plain
        failing: dict[str, dict[str, Any]] = {
            "no words": {"ext": {}},
            "no totals": {"track_total_hits": False},
            "no hits": {"size": 0},
        }
        statuses = {why: hook.search(pipeline, name, "a", **body).status_code for why, body in failing.items()}
        assert statuses == {"no words": 500, "no totals": 500, "no hits": 400}
        ask("PUT", f"{target}/_settings", {"index.search.default_pipeline": pipeline})
        assert send(engine, ("GET", f"{name}/_count", None)).status_code == 500
    with hook.pipeline("title", "body", ignore_failure=True) as pipeline:  # it has the same name
        statuses = {why: hook.search(pipeline, name, "a", **body).status_code for why, body in failing.items()}
        assert statuses == {"no words": 200, "no totals": 200, "no hits": 200}
        assert send(engine, ("GET", f"{name}/_count", None)).json()["count"] == 3
        ask("PUT", f"{target}/_settings", {"index.search.default_pipeline": None})
