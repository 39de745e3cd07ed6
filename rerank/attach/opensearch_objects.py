"""Find in an OpenSearch what resift attached under a name, and what of that name others made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resift.rerank.attach.engine_requests import EngineRequests
from resift.rerank.attach.opensearch_requests import CONNECTORS, DEFAULT_PIPELINE, GROUPS, MODELS, is_ours
from resift.retrieval.engine.client_errors import parsing
from resift.retrieval.errors import EngineError

_KINDS = {CONNECTORS: "connector", MODELS: "model", GROUPS: "model group"}
_MOST = 1000
_OWN_INDICES = "*,-.*,.ds-*"  # all but the system's, of which the engine warns; .ds-* are those of data streams


@dataclass(frozen=True, slots=True)
class Found:
    """A connector, model or model group: its `kind`, the `path` of its collection, its id, and what the engine says."""

    kind: str
    path: str
    object_id: str
    source: Mapping[str, Any]

    @property
    def state(self) -> str:
        """The state of a model, such as DEPLOYED; "" for others."""
        return str(self.source.get("model_state", ""))


@dataclass(frozen=True, slots=True)
class Objects:
    """What exists under a name: ours, the oldest first, and in words what others made.

    `pipeline`: the search pipeline of that name if it is ours, else None.
    """

    connectors: tuple[Found, ...]
    models: tuple[Found, ...]
    groups: tuple[Found, ...]
    pipeline: Mapping[str, Any] | None
    foreign: tuple[str, ...]

    @property
    def any(self) -> bool:
        """True if something of ours exists."""
        return bool(self.connectors or self.models or self.groups or self.pipeline is not None)


def find_objects(requests: EngineRequests, name: str) -> Objects:
    """Return what exists in the cluster under `name`. Raises StatusError if the user has no right to see it."""
    everything = [one for path in (CONNECTORS, GROUPS) for one in _named(requests, path, name)]
    # a search shows the state of a model as it was up to a second ago
    everything += [now for one in _named(requests, MODELS, name) if (now := get_object(requests, one)) is not None]
    ours = [one for one in everything if is_ours(one.source.get("description"))]
    foreign = [f"a {one.kind} ({one.object_id})" for one in everything if one not in ours]
    pipelines = requests.find(f"_search/pipeline/{name}") or {}
    pipeline = pipelines.get(name) if isinstance(pipelines, Mapping) else None
    if isinstance(pipeline, Mapping) and not is_ours(pipeline.get("description")):
        foreign.append("a search pipeline")
        pipeline = None
    by_kind = {path: tuple(one for one in ours if one.path == path) for path in _KINDS}
    return Objects(by_kind[CONNECTORS], by_kind[MODELS], by_kind[GROUPS], pipeline, tuple(foreign))


def _named(requests: EngineRequests, path: str, name: str) -> list[Found]:
    """Return the objects of one kind with exactly that name, the oldest first; chunks of models are not among them."""
    query = {"bool": {"must": [{"match": {"name": name}}], "must_not": [{"exists": {"field": "chunk_number"}}]}}
    answer = requests.send("POST", f"{path}/_search", {"query": query, "size": _MOST})
    with parsing(requests.url):
        found = [
            Found(_KINDS[path], path, str(hit["_id"]), hit["_source"])
            for hit in answer["hits"]["hits"]
            if hit["_source"].get("name") == name
        ]
        return sorted(found, key=lambda one: int(one.source.get("created_time") or 0))


def get_object(requests: EngineRequests, found: Found) -> Found | None:
    """Return a connector or model as it is now; None if it does not exist any more."""
    source = requests.find(f"{found.path}/{found.object_id}")
    return None if source is None else Found(found.kind, found.path, found.object_id, source)


def refuse_foreign(objects: Objects, name: str, url: str) -> None:
    """Raise EngineError if something of that name exists that resift did not make: it is never touched."""
    if objects.foreign:
        raise EngineError(
            f"{', '.join(objects.foreign)} named {name} exists that resift did not make, and it is not touched; "
            "choose another `attach_name`, or remove it yourself",
            url,
        )


def users_of_pipeline(requests: EngineRequests, name: str) -> list[str]:
    """Return the indices whose default search pipeline is `name`; none if the user has no right to see that."""
    path = f"{_OWN_INDICES}/_settings/{DEFAULT_PIPELINE}"
    answer = requests.read(path, {"flat_settings": "true"})
    found = answer.body if isinstance(answer.body, Mapping) else {}
    return sorted(index for index, one in found.items() if (one.get("settings") or {}).get(DEFAULT_PIPELINE) == name)


def pipelines_with_model(requests: EngineRequests, models: tuple[Found, ...], but: str) -> list[str]:
    """Return the search pipelines other than `but` that use one of `models`."""
    answer = requests.read("_search/pipeline")
    ids = [model.object_id for model in models]
    found = answer.body if isinstance(answer.body, Mapping) else {}
    return sorted(name for name, body in found.items() if name != but and any(one in str(body) for one in ids))
