"""Attach a rerank service to an engine of either flavour, and detach it, with the local record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resift.rerank.attach import elasticsearch, opensearch, opensearch_detach
from resift.rerank.attach.engine_requests import OPENSEARCH, EngineRequests
from resift.rerank.attach.outcome import Outcome, Wanted
from resift.rerank.attach.record import RecordFile
from resift.rerank.attach.service import Service
from resift.rerank.attach.steps import Changes
from resift.retrieval.errors import EngineError

RERANK_SINCE = (2, 12)
"""The first version of OpenSearch with the processor `rerank`."""
PLUGINS = ("opensearch-ml", "opensearch-neural-search")
"""The plugins of OpenSearch without which it cannot call a reranker."""


def attach(
    requests: EngineRequests, wanted: Wanted, service: Service, record: RecordFile, *, dry: bool = False
) -> Outcome:
    """Make an engine call `service`, or complete what an earlier run began; with `dry`, only list the requests.

    Raises EngineError if the engine cannot do that, if something of that name exists that resift did not make, or if
    the engine gets no answer from the service; StatusError if it refuses a request; SettingsError if a setting does
    not fit it; OSError if the record cannot be written.
    """
    known = dict(record.get(requests.url, wanted.name))
    facts: dict[str, Any] = {"flavour": requests.flavour, "service": str(service)}
    facts |= {"index": wanted.index, "field": wanted.field}

    def begin() -> None:
        """Record what may be created, before anything is."""
        possible = [] if requests.flavour == OPENSEARCH else elasticsearch.places(requests, wanted, service)
        more = {"endpoints": [*known.get("endpoints", []), *possible]} if possible else {}
        record.put(requests.url, wanted.name, {**facts, **more, "state": "begun"})

    changes = Changes(requests, dry=dry, before_first=begin)
    if requests.flavour == OPENSEARCH:
        check_opensearch(requests)
        outcome = opensearch.attach(changes, wanted, service, known.get("settings"))
    else:
        outcome = elasticsearch.attach(changes, wanted, service, known)
    done = {**facts, **outcome.recorded, "objects": dict(outcome.objects), "state": "attached"}
    if not dry and {**known, **done} != known:
        record.put(requests.url, wanted.name, done)
    return outcome


def detach(requests: EngineRequests, name: str, record: RecordFile, *, dry: bool = False) -> Outcome:
    """Remove what `attach` made under `name`, completed or not; with `dry`, only list the requests.

    Raises EngineError if an index uses the pipeline by default, or if an endpoint of Elasticsearch is not recorded;
    StatusError if the engine refuses a request; OSError if the record cannot be written.
    """
    known = record.get(requests.url, name)
    changes = Changes(requests, dry=dry)
    if requests.flavour == OPENSEARCH:
        outcome = opensearch_detach.detach(changes, name, known.get("settings"))
    else:
        outcome = elasticsearch.detach(changes, name, known)
    if not dry:
        record.remove(requests.url, name)
    return outcome


def check_engine(requests: EngineRequests) -> None:
    """Raise EngineError if this engine cannot call a service at all: its version, plugins or licence."""
    if requests.flavour == OPENSEARCH:
        check_opensearch(requests)
    else:
        elasticsearch.check_licence(requests)


def check_opensearch(requests: EngineRequests) -> None:
    """Raise EngineError if this OpenSearch has not the processor `rerank`, or no remote models."""
    other = elasticsearch.OTHER_WAYS
    if (0, 0) < requests.release < RERANK_SINCE:
        raise EngineError(
            f"OpenSearch {requests.version} has no rerank processor, which came with 2.12; {other}", requests.url
        )
    found = plugins_of(requests)
    if found is not None and (lacking := [name for name in PLUGINS if name not in found]):
        raise EngineError(f"this OpenSearch lacks the plugin {' and '.join(lacking)}; {other}", requests.url)


def plugins_of(requests: EngineRequests) -> frozenset[str] | None:
    """Return the plugins that every node has; None if the user has no right to see them."""
    answer = requests.read("_nodes/plugins", {"filter_path": "nodes.*.plugins.name"})
    body: Any = answer.body
    nodes = body.get("nodes") if isinstance(body, Mapping) else None
    if not isinstance(nodes, Mapping) or not nodes:
        return None if not answer.known else frozenset()
    sets = [{str(plugin["name"]) for plugin in node.get("plugins") or []} for node in nodes.values()]
    return frozenset(set.intersection(*sets))
