"""Attach a service to a real OpenSearch, and compare what the cluster has before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from resift.rerank.attach.engine_requests import EngineRequests, open_requests
from tests.engine.engines import ask
from tests.rerank.cli.invoke import Done, invoke

TRUSTED = "plugins.ml_commons.trusted_connector_endpoints_regex"
PRIVATE = "plugins.ml_commons.connector.private_ip_enabled"
_KEPT = ("name", "description", "connector_id", "actions", "client_config", "parameters")  # they do not change alone
ML_NODES = "plugins.ml_commons.only_run_on_ml_node"


def state(engine: str) -> dict[str, Any]:
    """Settings, search pipelines, connectors, models and model groups of a cluster, as JSON."""
    found = {
        "settings": httpx.get(f"{engine}/_cluster/settings?flat_settings=true").json(),
        "pipelines": httpx.get(f"{engine}/_search/pipeline").json(),  # status 404 if there is none
    }
    for kind in ("connectors", "models", "model_groups"):
        query = {"query": {"match_all": {}}, "size": 1000}
        hits = httpx.post(f"{engine}/_plugins/_ml/{kind}/_search", json=query).json()["hits"]["hits"]
        found[kind] = {hit["_id"]: {name: hit["_source"].get(name) for name in _KEPT} for hit in hits}
    return found


@contextmanager
def strict_cluster(engine: str) -> Iterator[None]:
    """Give the cluster the settings of a usual one: strangers' addresses alone, none that are private, ml nodes."""
    usual = {TRUSTED: ["^https://api\\.others\\.com/.*$"], PRIVATE: "false", ML_NODES: "true"}
    ask("PUT", f"{engine}/_cluster/settings", {"persistent": usual})
    try:
        yield
    finally:
        ask("PUT", f"{engine}/_cluster/settings", {"persistent": dict.fromkeys(usual)})


@dataclass(frozen=True, slots=True)
class Attaching:
    """Run the commands on one engine with one service; each test has its own `name` and record."""

    engine: str
    service: str
    name: str
    folder: Path
    key: str

    @property
    def record(self) -> Path:
        """The file of the record."""
        return self.folder / "record.json"

    def attach(self, index: str = "", *options: str, key: str | None = None) -> Done:
        """Run `resift attach`."""
        url = f"{self.engine}/{index}" if index else self.engine
        env = {"RESIFT_MODEL_API_KEY": self.key if key is None else key}
        service = [] if "--service" in options else ["--service", self.service]
        return invoke("attach", url, *service, *self._own(), *options, env=env)

    def detach(self, *options: str) -> Done:
        """Run `resift detach`."""
        return invoke("detach", self.engine, *self._own(), *options)

    def search(self, index: str, query: str, **members: Any) -> httpx.Response:
        """Search for all documents of an index, reranked for `query`."""
        context = {"rerank": {"query_context": {"query_text": query}}}
        body = {"query": {"match_all": {}}, "size": 100, "ext": context, **members}
        return httpx.post(f"{self.engine}/{index}/_search?search_pipeline={self.name}", json=body, timeout=60)

    def _own(self) -> list[str]:
        return ["--name", self.name, "--record", str(self.record)]


class FailingRequests:
    """The requests to an engine, of which the one that `part` is in the path of fails, as if the process was killed."""

    def __init__(self, engine: str, method: str, part: str) -> None:
        self.inner: EngineRequests = open_requests(engine)
        self.method, self.part = method, part

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, method: str, path: str, body: object = None, *more: Any, **others: Any) -> Any:
        if method == self.method and self.part in path:
            raise KeyboardInterrupt
        return self.inner.send(method, path, body, *more, **others)


@contextmanager
def failing(engine: str, method: str, part: str) -> Iterator[Any]:
    requests = FailingRequests(engine, method, part)
    with closing(requests.inner):
        yield requests


def loads(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found
