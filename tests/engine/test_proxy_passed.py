"""What the proxy does not rerank is answered as the engine answers it, for the official clients and raw requests."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from elastic_transport import ApiError, Urllib3HttpNode
from elasticsearch import Elasticsearch
from opensearchpy import OpenSearch, Urllib3HttpConnection
from opensearchpy.exceptions import OpenSearchException

from tests.engine.engines import is_opensearch
from tests.engine.official_clients.own_steps import ELASTICSEARCH, OPENSEARCH
from tests.engine.official_clients.steps import (
    CLEANING,
    DOCUMENTS,
    INDICES,
    MAPPINGS,
    SEARCHES,
    SOUPS,
    WITH_FIGURES,
    Session,
    Step,
)
from tests.engine.proxying import Answer, Recorder, RunningProxy, ask

pytestmark = pytest.mark.engine


@contextlib.contextmanager
def recorded_client(url: str) -> Iterator[tuple[Any, list[Answer]]]:
    """Yield the engine's official client, and the list of the responses that it got, as they came."""
    seen: list[Answer] = []

    class Node(Urllib3HttpNode):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.pool: Any = Recorder(self.pool, seen)

    class Connection(Urllib3HttpConnection):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.pool = Recorder(self.pool, seen)

    client: Any = (
        OpenSearch(url, connection_class=Connection, max_retries=0)
        if is_opensearch(url)
        else Elasticsearch(url, node_class=Node, max_retries=0)
    )
    with contextlib.closing(client):
        client.info()  # Elasticsearch's client checks once which engine it is
        seen.clear()
        yield client, seen


def session_of(url: str, steps: list[Step], session: Session) -> dict[str, Answer]:
    """Return the response to each step of a session through the official client."""
    found = {}
    with recorded_client(url) as (client, seen), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the engines warn of old options
        for name, send in steps:
            seen.clear()
            with contextlib.suppress(ApiError, OpenSearchException):
                send(client, session)
            assert len(seen) == 1, (name, seen)
            found[name] = seen[0]
    return found


def both_sessions(engine: str, proxy: RunningProxy) -> tuple[dict[str, Answer], dict[str, Answer], set[str]]:
    """Return the responses to all steps directly and through the proxy, and the names of those that differ."""
    mark = uuid.uuid4().hex[:8]
    own = OPENSEARCH if is_opensearch(engine) else ELASTICSEARCH
    steps = [*DOCUMENTS, *SEARCHES, *INDICES, *own, *WITH_FIGURES, *CLEANING]
    changing = {name for name, _ in WITH_FIGURES}
    sessions = [session_of(url, steps, Session(f"proxied-{mark}", f"t-{mark}")) for url in (engine, proxy.url)]
    direct, passed = sessions
    different = {
        one for one in direct if passed[one].comparable(one in changing) != direct[one].comparable(one in changing)
    }
    return direct, passed, different


def test_more_than_sixty_kinds_of_calls_of_the_official_client_are_answered_as_by_the_engine(
    engine: str, proxy: RunningProxy
) -> None:
    direct, passed, different = both_sessions(engine, proxy)
    for _ in range(2):  # other tests use the engine too: what the proxy changes differs every time
        if different:
            direct, passed, again = both_sessions(engine, proxy)
            different &= again
    for name in sorted(different):
        assert (name, passed[name].comparable()) == (name, direct[name].comparable())
    assert sum(answer.status < 300 for answer in direct.values()) >= 80
    assert {answer.status for answer in direct.values()} >= {200, 201, 400, 404, 409}
    treated = {name: answer.treatment for name, answer in passed.items() if answer.treatment}
    assert all(text.startswith("passed through: ") for text in treated.values()), treated
    assert len(treated) >= 15 and all("search" in name or "scroll" in name for name in treated)


@pytest.fixture(scope="module")
def soups(engine: str) -> Iterator[str]:
    name = f"proxied-{uuid.uuid4().hex[:8]}"
    ask(engine, "PUT", f"/{name}", {"mappings": MAPPINGS})
    lines = [json.dumps(line) for key, source in SOUPS.items() for line in ({"index": {"_id": key}}, source)]
    ask(engine, "POST", f"/{name}/_bulk?refresh=true", "\n".join([*lines, ""]).encode())
    yield name
    ask(engine, "DELETE", f"/{name}")


JSON = {"Content-Type": "application/json"}
SOUP = json.dumps({"query": {"match": {"title": "soup"}}, "size": 3}).encode()
ALL = json.dumps({"query": {"match_all": {}}, "sort": ["n"], "size": 20}).encode()
SOURCE = "%7B%22query%22%3A%7B%22match%22%3A%7B%22title%22%3A%22soup%22%7D%7D%7D&source_content_type=application/json"


@pytest.mark.parametrize(
    ("method", "target", "headers", "body"),
    [
        ("GET", "/{}/_doc/1?pretty", {}, None),
        ("GET", "/{}/_doc/1?format=yaml", {}, None),
        ("GET", "/{}/_doc/1", {"Accept": "application/yaml"}, None),
        ("GET", "/{}/_doc/1", {"Accept": "application/cbor"}, None),
        ("GET", "/{}/_doc/1", {"Accept": "application/smile"}, None),
        ("GET", "/{}/_doc/1", {"Accept": "application/unknown"}, None),
        ("HEAD", "/{}/_doc/1", {}, None),
        ("HEAD", "/{}/_search", {}, None),
        ("OPTIONS", "/{}", {}, None),
        ("PATCH", "/{}", {}, None),
        ("DELETE", "/{}/_search", {}, None),
        ("POST", "/{}", {}, None),
        ("GET", "/{}/_search?sort=n:asc&size=20", {"Accept-Encoding": "gzip"}, None),
        ("GET", "/{}/_mapping", {"Accept-Encoding": "gzip"}, None),
        ("GET", "/_cat/indices/{}?h=index&v", {}, None),
        ("GET", "/_cat", {}, None),
        ("GET", "/{}/_search?human&size=0", {}, None),
        ("GET", "/{}/_search?error_trace=false&size=abc", {}, None),
        ("GET", "/{}/_search?no_such_parameter=1&q=soup", {}, None),
        ("GET", "/{}/_search?size=1&size=2&q=soup", {}, None),
        ("GET", "/{}/_search?source=" + SOURCE, {}, None),
        ("GET", "/{}/_search?format=yaml&q=soup&size=2", {}, None),
        ("POST", "/{}/_search", {"Content-Type": "application/yaml"}, b'{"query": {"match": {"title": "soup"}}}'),
        ("POST", "/{}/_search", {**JSON, "Accept": "application/yaml"}, SOUP),
        ("POST", "/{}/_search", {**JSON, "Content-Encoding": "gzip"}, gzip.compress(ALL, mtime=0)),
        ("POST", "/{}/_search", {"Content-Type": "text/plain"}, SOUP),
        ("POST", "/{}/_search", JSON, b'{"query": {"match": {"title": "soup"}'),
        ("POST", "/{}/_search", JSON, b"[]"),
        ("POST", "/{}/_search", JSON, b'{"query": {"match": {"title": "soup"}}, "size": -1}'),
        ("POST", "/{}/_search", JSON, b'{"query": {"match": {"title": "soup"}}, "size": 1, "size": 2}'),
        ("POST", "/{}/_search", JSON, b'{"query": {"match": {"title": "soup"}}} {"more": 1}'),
        ("POST", "/{}/_search", JSON, b'{"query": {"match": {"title": "soup"}}, "unknown": 1}'),
        ("POST", "/{}/_search", JSON, b"[" * 5000),
        ("POST", "/{}/_search?size=20000&q=soup", {}, None),
        ("GET", "/{}/_search/?size=0", {}, None),
        ("GET", "/{}//_search?size=0", {}, None),
        ("GET", "/%7B%7D/_search", {}, None),
        ("POST", "/{}/_msearch", {"Content-Type": "application/x-ndjson"}, b'{}\n{"size": 0}\n'),
        ("POST", "/{}/_msearch", {"Content-Type": "application/x-ndjson"}, b'{}\n{"size": 0}'),
        ("POST", "/{}/_msearch", {"Content-Type": "application/x-ndjson"}, b"{}\n"),
        ("POST", "/{}/_msearch", {"Content-Type": "application/x-ndjson"}, b""),
        ("GET", "/", {"X-Opaque-Id": "mine"}, None),
        ("GET", "/{}/_search?size=0", {"X-Opaque-Id": "mine"}, None),
    ],
)
def test_a_raw_request_is_answered_as_by_the_engine(
    engine: str, proxy: RunningProxy, soups: str, method: str, target: str, headers: dict[str, str], body: bytes | None
) -> None:
    place = target.replace("{}", soups)
    direct, passed = (ask(url, method, place, body, headers) for url in (engine, proxy.url))
    assert passed.comparable() == direct.comparable()


def test_a_request_on_which_the_engine_hangs_up_is_a_bad_gateway(engine: str, proxy: RunningProxy, soups: str) -> None:
    no_gzip = ("POST", f"/{soups}/_search", b"this is not gzip", {**JSON, "Content-Encoding": "gzip"})
    with pytest.raises(http.client.RemoteDisconnected):
        ask(engine, *no_gzip)
    found = ask(proxy.url, *no_gzip)
    assert found.status == 502 and found.treatment == "failed"
    assert found.json()["error"]["type"] == "proxy_exception"


@pytest.mark.parametrize("target", ["/{}/_count", "/{}/_search"])
@pytest.mark.parametrize(
    ("headers", "status"), [({"X-Large": "x" * 17_000}, 400), ({"Expect": "foo"}, 417)], ids=["large header", "expect"]
)
def test_a_refused_request_does_no_harm_to_the_next_one_of_another_caller(
    engine: str, proxy: RunningProxy, soups: str, target: str, headers: dict[str, str], status: int
) -> None:
    """The engines ignore what follows on a connection, or read the body of the refused request as a request."""
    hidden = f"PUT /{soups}-hidden HTTP/1.1\r\nContent-Length: 0\r\nX-Swallow: ".encode()
    for _ in range(3):
        found = ask(proxy.url, "POST", target.replace("{}", soups), hidden, {**JSON, **headers})
        assert found.status == status
        assert ask(proxy.url, "GET", f"/{soups}/_search?q=soup").treatment == "reranked"
        for other in (f"/{soups}/_count", f"/{soups}/_mapping"):
            assert ask(proxy.url, "GET", other).comparable() == ask(engine, "GET", other).comparable()
    assert ask(engine, "HEAD", f"/{soups}-hidden").status == 404
