"""One engine of each flavour for all tests, and a new index for each test."""

from __future__ import annotations

import urllib.error
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from opensearchpy import OpenSearch

from tests.engine.engines import ask, is_opensearch, running
from tests.engine.proxying import PATIENT, RunningProxy, advice_index, running_proxy
from tests.engine.wrapping import COUNT, pots


@pytest.fixture(scope="session", params=["elasticsearch", "opensearch"])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    with running(request.param) as url:
        yield url


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def target(engine: str, name: str) -> Iterator[str]:
    """The URL of an index that does not exist; it is removed after the test."""
    yield f"{engine}/{name}"
    for index in ask("GET", f"{engine}/{name}*"):
        ask("DELETE", f"{engine}/{index}")
    assert not list(Path(".resift").glob(f"{name}*")), "the test left files of a load: give it a folder as --state"


@pytest.fixture
def filled(engine: str, name: str, target: str) -> Callable[..., str]:
    """Create an index without resift, and return its URL."""

    def fill(documents: dict[str, dict[str, object]], mappings: dict[str, object] | None = None) -> str:
        ask("PUT", f"{engine}/{name}", {"mappings": mappings or {}})
        for doc_id, source in documents.items():
            ask("PUT", f"{engine}/{name}/_doc/{doc_id}", source)
        ask("POST", f"{engine}/{name}/_refresh")
        return target

    return fill


@pytest.fixture
def stream(engine: str, name: str, target: str) -> Iterator[str]:
    """The URL of a data stream with one document, 7, whose message is "burnt"; the test is skipped without any."""
    if ask("GET", engine)["cluster_name"] == "osmem":
        pytest.skip("osmem-server has no data streams")
    template = {"index_patterns": [f"{name}-stream"], "data_stream": {}, "priority": 900}
    try:
        ask("GET", f"{engine}/_data_stream")
        ask("PUT", f"{engine}/_index_template/{name}", template)
    except urllib.error.HTTPError as error:
        error.close()
        pytest.skip("this distribution of the engine has no data streams")
    document = {"@timestamp": "2026-01-01T00:00:00Z", "message": "burnt"}
    try:
        ask("PUT", f"{target}-stream/_create/7?refresh=true", document)
        yield f"{target}-stream"
        ask("DELETE", f"{engine}/_data_stream/{name}-stream")
    finally:
        ask("DELETE", f"{engine}/_index_template/{name}")


@pytest.fixture(scope="module")
def native(engine: str) -> Any:  # noqa: ANN401
    found: Any = OpenSearch(engine) if is_opensearch(engine) else Elasticsearch(engine)
    yield found
    found.close()


@pytest.fixture(scope="module")
def stocked(native: Any) -> Iterator[str]:
    """The name of an index of soups that the tests of a file share, and do not change."""
    with pots(native) as name:
        yield name


@pytest.fixture(scope="session")
def proxy(engine: str) -> Iterator[RunningProxy]:
    """A proxy that reranks the indices proxied-*; nothing is switched."""
    with running_proxy(engine, "--index", "proxied-*", *PATIENT) as running:
        yield running


@pytest.fixture(scope="session")
def articles(engine: str) -> Iterator[str]:
    """The name of an index that the proxy reranks, and that no test changes."""
    with advice_index(engine, f"proxied-{uuid.uuid4().hex[:8]}") as name:
        yield name


@pytest.fixture
def index(filled: Callable[..., str]) -> str:
    documents = {
        str(n): {"title": "soup " * (n % 5 + 1), "body": {"main": f"number {n}", "more": "x"}, "kind": "a", "n": n}
        for n in range(COUNT)
    }
    mapping = {"properties": {"kind": {"type": "keyword"}, "title": {"type": "text"}}}
    return filled(documents, mapping).rsplit("/", 1)[-1]
