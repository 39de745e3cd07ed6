"""The requests that make OpenSearch call a rerank service: connector, model, search pipeline, and a search.

They are those of docs/engine-hooks.md, which says what each member is for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from resift.rerank.attach.key_note import has_key, key_note
from resift.rerank.attach.service import Service
from resift.rerank.attach.steps import Step

MARK = "Made by resift attach, removed by resift detach"
"""How the description of everything that resift made begins."""
DEADLINE_MS = 2000
"""The default of `timeout_ms` in the connector's requests."""
CONNECTOR_ID, MODEL_ID = "CONNECTOR_ID", "MODEL_ID"
"""What a dry run shows in place of ids that do not exist yet."""
WORDS = "YOUR QUERY"
"""The place of the query's text in a search that is shown."""
DEFAULT_PIPELINE = "index.search.default_pipeline"
"""The setting of an index that names the search pipeline of searches that name none."""
CONNECTORS, MODELS, GROUPS = "_plugins/_ml/connectors", "_plugins/_ml/models", "_plugins/_ml/model_groups"
_BEYOND_DEADLINE = 3  # seconds that OpenSearch waits longer than the service computes
_NO_KEY = "none"  # ml-commons refuses a connector without a credential


def connector_body(name: str, service: Service, deadline_ms: int) -> dict[str, Any]:
    """Return the body that creates the connector; its description has a salted hash of the key, to notice another."""
    model = '"model": "${parameters.model}", ' if service.model else ""
    request = f'{{ {model}"query": "${{parameters.query}}", "documents": ${{parameters.documents}}'
    headers = {"headers": {"Authorization": "Bearer ${credential.api_key}"}} if service.key else {}
    seconds = math.ceil(deadline_ms / 1000) + _BEYOND_DEADLINE
    return {
        "name": name,
        "description": f"{MARK} {key_note(service.key)}",
        "version": "1",
        "protocol": "http",
        "credential": {"api_key": service.key or _NO_KEY},
        "parameters": {"model": service.model} if service.model else {},
        "client_config": {
            "max_connection": 30,
            "connection_timeout": 1,
            "read_timeout": seconds,
            "max_retry_times": 0,
        },
        "actions": [
            {
                "action_type": "predict",
                "method": "POST",
                "url": service.rerank_url,
                **headers,
                "request_body": f'{request}, "timeout_ms": {deadline_ms} }}',
                "pre_process_function": "connector.pre_process.cohere.rerank",
                "post_process_function": "connector.post_process.cohere.rerank",
            }
        ],
    }


def is_same_connector(found: Mapping[str, Any], wanted: Mapping[str, Any], key: str) -> bool:
    """Return True if a connector, as the engine returns it, does what the body `wanted` asks for, with the same key."""
    shapes = []
    for one in (found, wanted):
        config = one.get("client_config") or {}
        actions = [
            {**action, "action_type": str(action.get("action_type")).lower()}
            for action in one.get("actions") or []
            if isinstance(action, Mapping)
        ]
        parameters = {name: (one.get("parameters") or {}).get(name) for name in wanted["parameters"]}
        shapes.append([parameters, {name: config.get(name) for name in wanted["client_config"]}, actions])
    return shapes[0] == shapes[1] and has_key(str(found.get("description", "")), key)


def register_model(name: str, connector_id: str) -> Step:
    """Return the request that registers the model, and deploys it."""
    body = {"name": name, "description": MARK, "function_name": "remote", "connector_id": connector_id}
    return Step("POST", f"{MODELS}/_register?deploy=true", body, f"register and deploy the model {name}")


def predict_step(model_id: str) -> Step:
    """Return the request that scores two texts, of which the second is the better one."""
    body = {"query_text": "what do cats eat", "text_docs": ["Dogs bark at night.", "Cats live on meat and fish."]}
    return Step("POST", f"_plugins/_ml/_predict/text_similarity/{model_id}", body, "score two texts through the engine")


def pipeline_body(model_id: str, field: str) -> dict[str, Any]:
    """Return the search pipeline that reranks by the texts of `field`, and keeps the order if that fails."""
    rerank = {
        "ml_opensearch": {"model_id": model_id},
        "context": {"document_fields": [field]},
        "ignore_failure": True,
    }
    return {"description": MARK, "response_processors": [{"rerank": rerank}]}


def search_step(name: str, index: str, query: Mapping[str, Any]) -> Step:
    """Return the search that an application sends: `query` finds the documents, the pipeline `name` reranks them."""
    context = {"rerank": {"query_context": {"query_text": WORDS}}}
    body = {"size": 100, "query": dict(query), "ext": context}
    return Step("GET", f"{index or 'YOUR_INDEX'}/_search?search_pipeline={name}", body, "search, reranked")


def is_ours(description: object) -> bool:
    """Return True if a description says that resift made the object."""
    return isinstance(description, str) and description.startswith(MARK)
