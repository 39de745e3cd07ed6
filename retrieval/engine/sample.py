"""Choose the fields of an index with samples of their texts, read with the right to search it alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.client_errors import parsing
from resift.retrieval.engine.field_choice import Choice, choose, is_obvious
from resift.retrieval.engine.field_types import FieldTypes, nested_path
from resift.retrieval.engine.fields import candidates
from resift.retrieval.engine.hits import values
from resift.retrieval.engine.settings import EngineSettings
from resift.retrieval.errors import StatusError
from resift.retrieval.markup import plain_text

_DOCUMENTS = 5  # of each field
_REFUSED = (400, 403, 404, 405)
_LONGEST = 2000  # characters of a text
_FILTER_PATH = "responses.hits.hits._source,responses.hits.hits.fields"


def choose_fields(
    engine: Engine, address: Address, types: FieldTypes, settings: EngineSettings, languages: Sequence[str]
) -> Choice | None:
    """Choose the fields to search and read; None if `settings` name them, or resift made the index.

    `types` are the fields of the index, and `languages` the codes of those that the model reads. If the engine refuses
    the request for samples, the names of the fields decide. Raises EngineError if it does not respond.
    """
    names = candidates(types, settings)
    if not names:
        return None
    if is_obvious(names):
        return Choice(tuple(names))
    try:
        samples = sample_texts(engine, address, names, types)
    except StatusError as error:
        if error.status not in _REFUSED:
            raise
        samples = dict.fromkeys(names, ())
    return choose(samples, languages)


def sample_texts(
    engine: Engine, address: Address, names: Sequence[str], types: FieldTypes
) -> dict[str, tuple[str, ...]]:
    """Return for each of the fields `names` its texts in a few documents that have it; none if they cannot be read.

    One request, with a search for each field. Raises EngineError if the request as a whole fails.
    """
    lines = [part for name in names for part in ({"preference": "resift-sample"}, _search(name, types))]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    answer: Any = engine.request("POST", f"{address.path}/_msearch", body, {"filter_path": _FILTER_PATH})
    with parsing(str(address)):
        responses = answer.get("responses") or [{} for _ in names]
        return {name: _texts(name, response) for name, response in zip(names, responses, strict=False)}


def _search(name: str, types: FieldTypes) -> dict[str, Any]:
    """Return the body that finds documents with a field."""
    query: dict[str, Any] = {"exists": {"field": name}}
    if path := nested_path(name, types):
        query = {"nested": {"path": path, "query": query, "ignore_unmapped": True}}
    return {"size": _DOCUMENTS, "query": query, "_source": [name], "fields": [name], "track_total_hits": False}


def _texts(name: str, response: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for hit in (response.get("hits") or {}).get("hits", []):
        source = {**hit.get("fields", {}), **(hit.get("_source") or {})}
        text = "\n".join(values(source, name)).strip()
        if text:
            found.append(plain_text(text)[:_LONGEST])
    return tuple(found)
