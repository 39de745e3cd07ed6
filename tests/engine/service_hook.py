"""OpenSearch's own way to call a reranker, by the requests of docs/engine-hooks.md, each of which can be taken back."""

from __future__ import annotations

import fcntl
import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "engine-hooks.md"
THEIRS = "http://reranker:8080"
"""The address of the service in the document."""

KEY = "the-key-of-opensearch"
"""The key in the document."""

FIRST_STAGE = "_none"
"""The name by which OpenSearch uses no search pipeline."""

_REQUEST = re.compile(r"^(GET|PUT|POST|DELETE) (\S+)\n((?:(?!GET |PUT |POST |DELETE ).*\n)*)", re.MULTILINE)


def requests_of(language: str, document: Path = DOCUMENT) -> list[tuple[str, str, Any]]:
    """Method, path and body (None without one) of the requests in the blocks of a language, in their order."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    found = [request for block in blocks for request in _REQUEST.findall(block)]
    return [(method, path, json.loads(body) if body.strip() else None) for method, path, body in found]


SETTINGS, CONNECTOR, MODEL, PREDICTION, PIPELINE, SEARCH, *REMOVAL = requests_of("opensearch")


def send(engine: str, request: tuple[str, str, Any], places: Mapping[str, str] | None = None) -> httpx.Response:
    """Send a request, with what `places` gives in place of the document's names; the response may be an error."""
    method, path, body = request
    text = "" if body is None else json.dumps(body)
    for theirs, ours in (places or {}).items():
        path, text = path.replace(theirs, ours), text.replace(theirs, ours)
    headers = {"Content-Type": "application/json"}
    return httpx.request(method, f"{engine}/{path}", content=text or None, headers=headers, timeout=120)


@contextmanager
def allowed(engine: str) -> Iterator[None]:
    """Allow connectors to all ports of this machine; skip the test if the engine cannot have or reach them."""
    plugins = send(engine, ("GET", "_cat/plugins", None)).text
    nodes = send(engine, ("GET", "_nodes", None)).json().get("nodes", {})
    if "opensearch-ml" not in plugins or "opensearch-neural-search" not in plugins:
        pytest.skip("this OpenSearch has not the plugins opensearch-ml and opensearch-neural-search")
    if {node["ip"] for node in nodes.values()} != {"127.0.0.1"}:
        pytest.skip("this OpenSearch is on another machine, from which it cannot call a service on 127.0.0.1")
    with _alone(engine):
        send(engine, SETTINGS, {THEIRS: "http://127.0.0.1:[0-9]+"}).raise_for_status()
        try:
            yield
        finally:
            settings = dict.fromkeys(SETTINGS[2]["persistent"])
            send(engine, ("PUT", "_cluster/settings", {"persistent": settings})).raise_for_status()


@contextmanager
def _alone(engine: str) -> Iterator[None]:
    """Wait until no other process of the tests has changed settings of this cluster."""
    name = re.sub(r"\W", "-", engine)
    with (Path(tempfile.gettempdir()) / f"resift-tests-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True, slots=True)
class Hook:
    """A deployed model of OpenSearch that calls a service."""

    engine: str
    places: Mapping[str, str]

    @contextmanager
    def pipeline(self, *fields: str, ignore_failure: bool = False) -> Iterator[str]:
        """Yield the name of a search pipeline that reranks by the texts of `fields`."""
        method, path, body = PIPELINE
        body = json.loads(json.dumps(body))
        body["response_processors"][0]["rerank"]["context"]["document_fields"] = list(fields)
        body["response_processors"][0]["rerank"]["ignore_failure"] = ignore_failure
        send(self.engine, (method, path, body), self.places).raise_for_status()
        try:
            yield path.rpartition("/")[2]
        finally:
            send(self.engine, REMOVAL[0], self.places).raise_for_status()

    def search(self, pipeline: str, index: str, words: str, **members: Any) -> httpx.Response:
        """Search for all documents, reranked for `words`; `members` are further ones of the body, or replace these.

        The pipeline `FIRST_STAGE` leaves the order as it is.
        """
        context = {"rerank": {"query_context": {"query_text": words}}}
        body = {"query": {"match_all": {}}, "size": 1000, "ext": context, **members}
        return send(self.engine, ("POST", f"{index}/_search?search_pipeline={pipeline}", body))


@contextmanager
def hooked(engine: str, service: str, timeout_ms: int = 60_000) -> Iterator[Hook]:
    """Let OpenSearch call `service`, as in the document, with a smaller model and times for a busy machine."""
    method, path, connector = CONNECTOR
    connector = json.loads(json.dumps(connector))
    action = connector["actions"][0]
    action["request_body"] = action["request_body"].replace('"timeout_ms": 2000', f'"timeout_ms": {timeout_ms}')
    connector["client_config"]["read_timeout"] = 60
    places = {THEIRS: service, "resift-small": "resift-tiny"}
    places["CONNECTOR_ID"] = _sent(engine, (method, path, connector), places)["connector_id"]
    try:
        model = _sent(engine, MODEL, places)
        places["MODEL_ID"] = model["model_id"]
        yield Hook(engine, places)
    finally:
        known = [one for one in REMOVAL[1:] if "MODEL_ID" not in one[1] or "MODEL_ID" in places]
        remove(engine, known, places)


def remove(engine: str, requests: Sequence[tuple[str, str, Any]], places: Mapping[str, str]) -> None:
    """Send the requests of a removal; OpenSearch can refuse to delete a model shortly after it was undeployed."""
    for request in requests:
        end = time.monotonic() + 30
        while (reply := send(engine, request, places)).status_code == 400 and time.monotonic() < end:
            time.sleep(0.2)
        reply.raise_for_status()


def _sent(engine: str, request: tuple[str, str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    reply = send(engine, request, places)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def order(reply: httpx.Response) -> list[str]:
    """Return the ids of the hits of a search."""
    assert reply.status_code == 200, reply.text
    return [hit["_id"] for hit in reply.json()["hits"]["hits"]]


def asked(service: str, query: str, texts: Sequence[str], **members: Any) -> httpx.Response:
    """Ask a service itself, as OpenSearch does."""
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"query": query, "documents": texts, **members}
    reply = httpx.post(f"{service}/v1/rerank", json=body, headers=headers, timeout=120)
    assert reply.status_code == 200, reply.text
    return reply
