"""The cheapest way to get a reranker into a cluster, with the alternatives, by what the cluster is and allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resift.rerank.attach.cluster_facts import ClusterFacts, read_cluster
from resift.rerank.attach.cluster_settings import is_trusted
from resift.rerank.attach.connection_options import arguments_of
from resift.rerank.attach.engine_requests import OPENSEARCH, EngineRequests
from resift.rerank.attach.index_facts import IndexFacts, pipeline_notes, read_index
from resift.rerank.attach.ways import Way, ways
from resift.retrieval.engine.address import Address
from resift.retrieval.engine.settings import ConnectionSettings


@dataclass(frozen=True, slots=True)
class Plan:
    """The facts of a cluster and of an index, if one is named, and the ways in, the recommended one first."""

    cluster: ClusterFacts
    index: IndexFacts | None
    ways: tuple[Way, ...]
    notes: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """What cannot be read for lack of rights, and what follows from that."""
        return (*self.cluster.unknown, *(self.index.unknown if self.index else ()))

    def as_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        index = None
        if self.index is not None:
            names = ("name", "field", "language")
            index = {name: getattr(self.index, name) for name in names}
            index |= {name: list(getattr(self.index, name)) for name in ("read", "searched")}
            index["default_pipelines"] = dict(self.index.pipelines)
        first, *others = self.ways
        return {
            "cluster": self.cluster.as_json(),
            "index": index,
            "recommended": first.as_json(),
            "alternatives": [way.as_json() for way in others],
            "notes": list(self.notes),
            "unknown": list(self.unknown),
        }


def make_plan(requests: EngineRequests, address: Address, languages: Sequence[str] = ()) -> Plan:
    """Return the ways into the cluster at `address`, with or without an index; it is only read.

    `languages`: the codes of those that the model reads, whose fields are preferred. Raises StatusError if the engine
    does not answer, and EngineError if the index cannot be read.
    """
    cluster = read_cluster(requests)
    index = read_index(requests, address, languages=languages) if address.index else None
    url, connection = requests.url, requests.engine.settings
    found = ways(cluster, url, address.index, _wrapper_program(cluster, url, index, connection), connection)
    by_engine = any(way.name == "hook" and way.fits is not False for way in found)
    notes = list(index.notes if index and by_engine else ())  # they are about the text that an engine sends
    notes += pipeline_notes(index.pipelines) if index else []
    if cluster.pipelines:
        notes.append(f"search pipelines that rerank exist already: {', '.join(cluster.pipelines)}; see `resift doctor`")
    if cluster.settings is not None and is_trusted("http://THIS_HOST:8080/v1/rerank", cluster.settings.trusted()):
        notes.append("the cluster already lets connectors call any address")
    return Plan(cluster, index, found, tuple(notes))


def _wrapper_program(cluster: ClusterFacts, url: str, index: IndexFacts | None, connection: ConnectionSettings) -> str:
    """Return the lines of Python that wrap the engine's client."""
    package, client = (
        ("opensearchpy", "OpenSearch") if cluster.flavour == OPENSEARCH else ("elasticsearch", "Elasticsearch")
    )
    fields = list(index.read) if index else ["title", "text"]
    made = f'{client}("{url}"{arguments_of(connection)})'
    return (
        f"from {package} import {client}\n"
        "from resift import Reranker, RerankingClient, load_scorer\n\n"
        f'client = RerankingClient({made}, Reranker(load_scorer("default")), {fields!r})'
    )
