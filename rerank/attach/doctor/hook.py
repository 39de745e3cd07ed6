"""How an OpenSearch calls a reranker: the search pipeline, its model, the model's connector, and what these say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resift.rerank.attach.engine_requests import EngineRequests
from resift.rerank.attach.settings import USUAL_NAME
from resift.retrieval.errors import EngineError, SettingsError
from resift.retrieval.near_names import suggestion


@dataclass(frozen=True, slots=True)
class Hook:
    """A search pipeline that reranks, as far as it could be read.

    `pipeline`: its name. `processor`: its rerank processor. `model` and `connector`: as the engine reports them, empty
    if they do not exist; `problem` is then the reason.
    """

    pipeline: str
    processor: Mapping[str, Any]
    model: Mapping[str, Any] = field(default_factory=dict)
    connector: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def model_id(self) -> str:
        """The id of the model that the processor names, "" if it names none."""
        return str((self.processor.get("ml_opensearch") or {}).get("model_id") or "")

    @property
    def connector_id(self) -> str:
        """The id of the model's connector, "" if it is not known."""
        return str(self.model.get("connector_id") or "")

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields whose texts are sent."""
        return tuple(map(str, (self.processor.get("context") or {}).get("document_fields") or ()))

    @property
    def ignores_failure(self) -> bool:
        """Whether a search whose reranking fails keeps the first order instead of failing."""
        return str(self.processor.get("ignore_failure", False)).lower() == "true"

    @property
    def action(self) -> Mapping[str, Any]:
        """The connector's action for predictions, empty if it has none."""
        actions = self.connector.get("actions") or []
        return next((one for one in actions if str(one.get("action_type")).lower() == "predict"), {})

    @property
    def url(self) -> str:
        """The address that the connector calls, "" if it is not known."""
        parameters = self.connector.get("parameters") or {}
        known = {f"${{parameters.{name}}}": str(value) for name, value in parameters.items()}
        url = str(self.action.get("url") or "")
        for name, value in known.items():
            url = url.replace(name, value)
        return url

    @property
    def model_name(self) -> str:
        """The name of the service's model that the connector sends, "" if it sends none."""
        sends = "${parameters.model}" in str(self.action.get("request_body") or "")
        return str((self.connector.get("parameters") or {}).get("model") or "") if sends else ""

    @property
    def read_timeout(self) -> float | None:
        """The seconds that a call may take; None if the connector does not say."""
        value = (self.connector.get("client_config") or {}).get("read_timeout")
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def deadline_ms(self) -> int | None:
        """The milliseconds that the request body gives a service of resift; None if it gives none."""
        found = re.search(r'"timeout_ms"\s*:\s*(\d+)', str(self.action.get("request_body") or ""))
        return int(found[1]) if found else None


def rerank_processor(pipeline: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the processor of a search pipeline that reranks by a model, empty if there is none."""
    for one in pipeline.get("response_processors") or []:
        found = one.get("rerank") if isinstance(one, Mapping) else None
        if isinstance(found, Mapping) and "ml_opensearch" in found:
            return found
    return {}


def find_hook(requests: EngineRequests, name: str | None, defaults: tuple[str, ...]) -> Hook | None:
    """Return the pipeline `name`, else one of the index's `defaults`, the one of the usual name, or the only one.

    None if no pipeline reranks. Raises SettingsError if the named one does not exist or does not rerank, or several
    could be meant, and EngineError if the pipelines cannot be read.
    """
    answer = requests.read("_search/pipeline")
    if not answer.known and answer.status != 404:  # 404: there are none
        raise EngineError(f"the search pipelines cannot be read ({answer.status})", requests.url)
    every: Mapping[str, Any] = answer.body or {}
    found = {one: processor for one, body in every.items() if (processor := rerank_processor(body))}
    if name is not None and name not in found:
        near = suggestion(name, found)
        why = "has no rerank processor" if name in every else "does not exist"
        known = ", ".join(found) or "none"
        raise SettingsError(f"the search pipeline {name!r} {why}{near}; those that rerank: {known}", "pipeline")
    chosen = name or next((one for one in (*defaults, USUAL_NAME) if one in found), None)
    if chosen is None and len(found) > 1:
        raise SettingsError(f"several pipelines rerank: {', '.join(found)}; name one with `pipeline`", "pipeline")
    chosen = chosen or next(iter(found), None)
    return None if chosen is None else _read_hook(requests, chosen, found[chosen])


def _read_hook(requests: EngineRequests, name: str, processor: Mapping[str, Any]) -> Hook:
    hook = Hook(name, processor)
    model = requests.read(f"_plugins/_ml/models/{hook.model_id}")
    if not model.known:
        return Hook(name, processor, problem=f"its model {hook.model_id} cannot be read ({model.status})")
    hook = Hook(name, processor, model.body)
    if isinstance(inner := model.body.get("connector"), Mapping):
        return Hook(name, processor, model.body, inner)
    connector = requests.read(f"_plugins/_ml/connectors/{hook.connector_id}")
    if not connector.known:
        problem = f"its connector {hook.connector_id} cannot be read ({connector.status})"
        return Hook(name, processor, model.body, problem=problem)
    return Hook(name, processor, model.body, connector.body)
