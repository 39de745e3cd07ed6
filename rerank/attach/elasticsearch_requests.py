"""The requests that make Elasticsearch call a rerank service: the inference endpoint, and a search with its retriever.

They are those of docs/engine-hooks.md, and follow Elastic's specification.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from resift.rerank.attach.opensearch_requests import WORDS
from resift.rerank.attach.service import Service
from resift.rerank.attach.settings import INFERENCE_SERVICES
from resift.rerank.attach.steps import Step

_NO_KEY = "none"  # Elasticsearch demands one
_CUSTOM_SINCE = (8, 19)
LICENCES = ("enterprise", "trial")
"""The licences with the inference API and the retriever `text_similarity_reranker`."""


def endpoint_body(kind: str, service: Service, deadline_ms: int | None = None) -> dict[str, Any]:
    """Return the body that creates an inference endpoint of the service `kind`, one of `INFERENCE_SERVICES`.

    `deadline_ms`: the milliseconds after which the service answers with what it has, for `custom` alone.
    """
    key = service.key or _NO_KEY
    if kind == "hugging_face":
        return {"service": kind, "service_settings": {"url": service.tei_url, "api_key": key}}
    if kind == "openshift_ai":
        model = {"model_id": service.model} if service.model else {}
        return {"service": kind, "service_settings": {"url": service.rerank_url, "api_key": key, **model}}
    model_member = f', "model": {json.dumps(service.model)}' if service.model else ""
    deadline = f', "timeout_ms": {deadline_ms}' if deadline_ms else ""
    return {
        "service": kind,
        "service_settings": {
            "secret_parameters": {"api_key": key},
            "url": service.rerank_url,
            "headers": {"Authorization": "Bearer ${api_key}", "Content-Type": "application/json"},
            "request": f'{{"query": ${{query}}, "documents": ${{input}}{model_member}{deadline}}}',
            "response": {
                "json_parser": {
                    "reranked_index": "$.results[*].index",
                    "relevance_score": "$.results[*].relevance_score",
                }
            },
        },
    }


def kinds(release: tuple[int, int], service: Service, deadline_ms: int | None, given: str | None) -> tuple[str, ...]:
    """Return the services of the inference API to try, in this order.

    `release` is the version, (0, 0) if it is not known; `given` the one that the user names. A deadline can only be
    sent by `custom`, and `hugging_face` cannot name a model.

    >>> kinds((8, 19), Service("http://a"), None, None)
    ('hugging_face', 'openshift_ai', 'custom')
    >>> kinds((8, 15), Service("http://a", model="x"), None, None)
    ('openshift_ai',)
    """
    if given:
        return (given,)
    has_custom = release == (0, 0) or release >= _CUSTOM_SINCE
    if deadline_ms and has_custom:
        return ("custom",)
    found = [kind for kind in INFERENCE_SERVICES if kind != "custom" or has_custom]
    return tuple(kind for kind in found if not (service.model and kind == "hugging_face"))


def endpoint_path(name: str) -> str:
    """Return the path of the inference endpoint `name`."""
    return f"_inference/rerank/{name}"


def rerank_step(name: str) -> Step:
    """Return the request that scores two texts, of which the second is the better one."""
    body = {"query": "what do cats eat", "input": ["Dogs bark at night.", "Cats live on meat and fish."]}
    return Step("POST", endpoint_path(name), body, "score two texts through the engine")


def retriever_step(name: str, index: str, field: str, query: Mapping[str, Any]) -> Step:
    """Return the search that an application sends: `query` finds the documents, the endpoint `name` reranks 100."""
    retriever = {
        "retriever": {"standard": {"query": dict(query)}},
        "field": field,
        "inference_id": name,
        "inference_text": WORDS,
        "rank_window_size": 100,
    }
    body = {"retriever": {"text_similarity_reranker": retriever}}
    return Step("GET", f"{index or 'YOUR_INDEX'}/_search", body, "search, reranked")
