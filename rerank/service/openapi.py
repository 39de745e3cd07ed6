"""The OpenAPI document of the service, derived from the types of its dialects."""

from __future__ import annotations

from typing import Any

import msgspec

import resift
from resift.rerank.service.dialects.registry import DIALECTS, Dialect

_REFERENCE = "#/components/schemas/{name}"

_ERRORS = {
    "400": "The body is not JSON, or the query or the documents are empty.",
    "401": "The key is missing or wrong.",
    "404": "The model is not known (only with strict models).",
    "408": "The body did not arrive in time.",
    "413": "The body, the number of documents or a text is too large.",
    "415": "The encoding of the body is not known.",
    "422": "A member of the body is missing or has a wrong type.",
    "429": "The service is overloaded; Retry-After says in how many seconds to try again.",
    "500": "A defect of the service.",
    "503": "The model cannot be run, or the service is not ready.",
    "504": "Not all pairs were scored in time.",
}

_SUMMARIES = {
    "/rerank": "Put documents in order: as text-embeddings-inference with texts, as Cohere and Jina with documents",
    "/v1/rerank": "Put documents in order, as Cohere v1, Jina, OpenShift AI, vLLM and Voyage",
    "/v2/rerank": "Put documents in order, as Cohere v2",
    "/score": "Score pairs of texts in their order, as vLLM",
}

_PAGES = {
    "/health": ("Whether the process lives", False, {}),
    "/ready": ("Whether requests are served now: the default model is loaded and warm", False, {"503": "Not yet."}),
    "/info": ("The default model and the limits, as text-embeddings-inference", True, {}),
    "/v1/models": ("The models that requests may name", True, {}),
    "/openapi.json": ("This document", True, {}),
}


class Error(msgspec.Struct):
    """What is wrong with a request."""

    error: str
    error_type: str
    message: str
    request_id: str


def openapi(with_keys: bool) -> dict[str, Any]:
    """Return the OpenAPI document as a JSON object; `with_keys`: the service asks for keys."""
    types = [one for dialects in DIALECTS.values() for dialect in dialects for one in (dialect.request, dialect.reply)]
    every = [*dict.fromkeys(types), Error]
    schemas, components = msgspec.json.schema_components(every, ref_template=_REFERENCE)
    of_type = {repr(one): schema for one, schema in zip(every, schemas, strict=True)}
    paths = {path: {"post": _operation(path, dialects, of_type, with_keys)} for path, dialects in DIALECTS.items()}
    pages = {path: {"get": _page(path, with_keys)} for path in _PAGES}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "resift",
            "version": resift.__version__,
            "description": "Puts the documents that answer a query first, in the dialects of other rerankers.",
        },
        "paths": {**paths, **pages},
        "components": {"schemas": components},
    }
    if with_keys:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return document


def _operation(path: str, dialects: tuple[Dialect, ...], of_type: dict[str, Any], with_keys: bool) -> dict[str, Any]:
    requests = [of_type[repr(dialect.request)] for dialect in dialects]
    replies = [of_type[repr(dialect.reply)] for dialect in dialects]
    errors = {
        status: {"description": text, "content": _json(of_type[repr(Error)])}
        for status, text in _ERRORS.items()
        if with_keys or status != "401"
    }
    operation: dict[str, Any] = {
        "summary": _SUMMARIES[path],
        "operationId": path.strip("/").replace("/", "_"),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _any_of(requests), "example": dialects[0].example}},
        },
        "parameters": [
            _header(
                "X-Deadline-Ms",
                "Answer after so many milliseconds with what was scored.",
                {"type": "integer", "minimum": 1, "maximum": 999_999_999_999},
            ),
            _header(
                "X-Request-Id",
                "An id that the reply and the log repeat, if it has up to 128 letters, digits or characters of "
                "_.:/+=@- and no others; else the reply has a new one.",
                {"type": "string"},
            ),
        ],
        "responses": {"200": {"description": "Done.", "content": _json(_any_of(replies))}, **errors},
    }
    return operation | ({"security": [{"key": []}]} if with_keys else {})


def _page(path: str, with_keys: bool) -> dict[str, Any]:
    summary, locked, errors = _PAGES[path]
    replies = {status: {"description": text, "content": _json({"type": "object"})} for status, text in errors.items()}
    if with_keys and locked:
        replies["401"] = {"description": _ERRORS["401"], "content": _json({"type": "object"})}
    page: dict[str, Any] = {
        "summary": summary,
        "operationId": "get_" + path.strip("/").replace("/", "_").replace(".", "_"),
        "responses": {"200": {"description": summary, "content": _json({"type": "object"})}, **replies},
    }
    return page | ({"security": [{"key": []}]} if with_keys and locked else {})


def _header(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _any_of(schemas: list[Any]) -> Any:  # noqa: ANN401 - a JSON schema
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _json(schema: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON schema
    return {"application/json": {"schema": schema}}
