"""Read what a cluster is and allows: version, licence, plugins, nodes and settings; what cannot be read is reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from resift.rerank.attach.attachment import plugins_of
from resift.rerank.attach.cluster_settings import ClusterSettings, readable_settings
from resift.rerank.attach.doctor.hook import rerank_processor
from resift.rerank.attach.elasticsearch_requests import LICENCES
from resift.rerank.attach.engine_requests import OPENSEARCH, EngineRequests
from resift.rerank.attach.opensearch import has_ml_node
from resift.rerank.attach.opensearch_requests import CONNECTORS
from resift.retrieval.engine.client_errors import REFUSED_STATUSES
from resift.retrieval.errors import StatusError

_AMAZON = (".es.amazonaws.com", ".aoss.amazonaws.com")


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What is known of a cluster; None or "" is what the user has no right to read, or what the engine lacks.

    `managed`: the service that runs it, if its address says so. `licence`: of Elasticsearch, such as basic.
    `inference`: whether Elasticsearch has the inference API. `plugins`: those that every node has. `ml_node`: whether a
    node has the role ml. `settings`: of the cluster. `connectors`: whether the user may see the connectors of
    ml-commons. `pipelines`: the search pipelines that rerank. `unknown`: each fact that cannot be read, and what
    follows from that.
    """

    flavour: str
    version: str
    release: tuple[int, int]
    managed: str = ""
    licence: str = ""
    inference: bool | None = None
    plugins: frozenset[str] | None = None
    ml_node: bool | None = None
    settings: ClusterSettings | None = None
    connectors: bool | None = None
    pipelines: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def licensed(self) -> bool | None:
        """Whether the licence has the inference API; None if it is not known."""
        return self.licence in LICENCES if self.licence else None

    def as_json(self) -> dict[str, Any]:
        """Return the facts as a JSON object; of the settings, only whether they can be read."""
        names = ("flavour", "version", "managed", "licence", "inference", "ml_node", "connectors")
        found = {name: getattr(self, name) for name in names}
        plugins = None if self.plugins is None else sorted(self.plugins)
        lists = {"pipelines": list(self.pipelines), "unknown": list(self.unknown)}
        return {**found, "plugins": plugins, "settings_readable": self.settings is not None, **lists}


def read_cluster(requests: EngineRequests) -> ClusterFacts:
    """Return what is known of a cluster; each fact needs its own right. Raises StatusError if it does not answer."""
    return _opensearch(requests) if requests.flavour == OPENSEARCH else _elasticsearch(requests)


def _opensearch(requests: EngineRequests) -> ClusterFacts:
    unknown = _unknown_version(requests)
    plugins, ml_node = plugins_of(requests), has_ml_node(requests)
    if plugins is None:
        unknown.append(
            "plugins and nodes (right cluster:monitor/nodes/info): the search pipeline needs ml-commons and "
            "neural-search, and whether they are there is only seen when it is attached"
        )
    settings = readable_settings(requests)
    if settings is None:
        unknown.append(
            "the cluster's settings (right cluster:monitor/settings/get): an administrator has to attach, who may read "
            "and change them"
        )
    connectors = _may_search_connectors(requests) if plugins is None or "opensearch-ml" in plugins else False
    if connectors is None:
        unknown.append(
            "the connectors of ml-commons (right cluster:admin/opensearch/ml/connectors): as for the settings"
        )
    pipelines = requests.read("_search/pipeline").body
    reranking = sorted(name for name, body in (pipelines or {}).items() if rerank_processor(body))
    return ClusterFacts(
        requests.flavour,
        requests.version,
        requests.release,
        _managed(requests, {}),
        plugins=plugins,
        ml_node=ml_node,
        settings=settings,
        connectors=connectors,
        pipelines=tuple(reranking),
        unknown=tuple(unknown),
    )


def _elasticsearch(requests: EngineRequests) -> ClusterFacts:
    unknown = _unknown_version(requests)
    root = requests.read("/").body or {}
    licence = requests.read("_license").body
    details = licence.get("license") if isinstance(licence, Mapping) else None
    kind = ""
    if isinstance(details, Mapping):
        kind = str(details.get("type")) if details.get("status") == "active" else f"expired {details.get('type')}"
    else:
        unknown.append(
            "the licence (right cluster:monitor/xpack/license/get, in the privilege monitor): the inference API needs "
            f"{' or '.join(LICENCES)}, and whether it works is only seen when it is attached"
        )
    found = requests.read("_inference/rerank/_all")
    # a user who may not see the licence may have no right to the endpoints either, whatever the refusal is
    inference = None if found.status == 403 or (not found.known and not kind) else found.known
    if inference is None:
        unknown.append(
            "the inference endpoints (privilege monitor_inference): whether there is an inference API at all is only "
            "seen when it is attached"
        )
    return ClusterFacts(
        requests.flavour,
        requests.version,
        requests.release,
        _managed(requests, root),
        licence=kind,
        inference=inference,
        unknown=tuple(unknown),
    )


def _unknown_version(requests: EngineRequests) -> list[str]:
    missing = "the version (right cluster:monitor/main): what this cluster has is judged by its other answers"
    return [] if requests.version else [missing]


def _may_search_connectors(requests: EngineRequests) -> bool | None:
    """Return True if ml-commons lists its connectors, False if there is no such API, None without the right to it."""
    try:
        requests.send("POST", f"{CONNECTORS}/_search", {"query": {"match_all": {}}, "size": 0})
    except StatusError as error:
        if error.status not in REFUSED_STATUSES:
            raise
        return None if error.status == 403 else False
    return True


def _managed(requests: EngineRequests, root: Mapping[str, Any]) -> str:
    """Return which service runs the cluster, "" if nothing says that one does."""
    hosts = [urlsplit(host).hostname or "" for host in requests.url.split(",")]
    if requests.engine.settings.aws_region or any(host.endswith(_AMAZON) for host in hosts):
        return "Amazon OpenSearch Service"
    version = root.get("version") or {}
    return "Elastic Cloud Serverless" if version.get("build_flavor") == "serverless" else ""
