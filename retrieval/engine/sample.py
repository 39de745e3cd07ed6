"""Choose the fields of an index with samples of their texts, read with the right to search it alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.client_errors import REFUSED_STATUSES, parsing
from resift.retrieval.engine.field_choice import Choice, choose, is_obvious
from resift.retrieval.engine.field_types import FieldTypes, nested_path
from resift.retrieval.engine.fields import body_choice, candidates
from resift.retrieval.engine.own_body import searched_texts
from resift.retrieval.engine.settings import EngineSettings
from resift.retrieval.errors import StatusError
from resift.retrieval.field_values import values
from resift.retrieval.markup import plain_text

_DOCUMENTS = 5  # of each field
_LONGEST = 2000  # characters of a text
_FILTER_PATH = "responses.hits.hits._source,responses.hits.hits.fields"


def choose_fields(
    engine: Engine,
    address: Address,
    types: FieldTypes,
    settings: EngineSettings,
    languages: Sequence[str],
    body: Mapping[str, Any] | None = None,
) -> Choice | None:
    """Choose the fields to search and read; None if `settings` name them, or resift made the index.

    `types` are the fields of the index, and `languages` the codes of those that the model reads. With the user's own
    search `body`, the text fields in which it searches are read, if there are any. If the engine refuses
    the request for samples, the names of the fields decide. Raises EngineError if it does not respond.
    """
    if body is not None and (named := body_choice(types, settings, searched_texts(body, types))):
        return named
    names = candidates(types, settings)
    if not names:
        return None
    if is_obvious(names):
        return Choice(tuple(names))
    return choose(sample_texts(engine, address, names, types), languages)


def sample_texts(
    engine: Engine, address: Address, names: Sequence[str], types: FieldTypes
) -> dict[str, tuple[str, ...]]:
    """Return for each of the fields `names` its texts in a few documents that have it; none if they cannot be read.

    One request, with a search for each field. If the engine refuses it, there are no texts; raises EngineError if it
    does not respond.
    """
    lines = [part for name in names for part in ({"preference": "resift-sample"}, _search(name, types))]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    try:
        answer: Any = engine.request("POST", f"{address.path}/_msearch", body, {"filter_path": _FILTER_PATH})
    except StatusError as error:
        if error.status not in REFUSED_STATUSES:
            raise
        return dict.fromkeys(names, ())
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
