"""The filters that a user gives: each field=value, or a query clause in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from resift.retrieval.engine.field_types import FieldTypes, is_field, nested_path
from resift.retrieval.engine.settings import EngineSettings
from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion


def read_filter(settings: EngineSettings, types: FieldTypes) -> dict[str, Any] | None:
    """Return the query clause of the filters in `settings`, one on each line, None if there is none.

    field=value matches if the field, or its keyword multi-field, equals the value; an analyzed text field without a
    keyword matches if it contains all the words of the value. Several filters must all match. Raises SettingsError.
    """
    clauses = [
        dict(one) if isinstance(one, dict) else _field_equals(one, types) for one in _parts(settings.filter or "")
    ]
    return clauses[0] if len(clauses) == 1 else ({"bool": {"filter": clauses}} if clauses else None)


def _parts(given: str) -> Iterator[dict[str, Any] | str]:
    """Yield each filter: a JSON object, which may have several lines, or the text of another line."""
    rest = given.strip()
    while rest:
        if rest.startswith("{"):
            try:
                clause, end = json.JSONDecoder().raw_decode(rest)
            except (ValueError, RecursionError) as error:
                raise SettingsError(
                    f"{given!r} is not JSON ({error}); expected a query clause or field=value", "filter"
                ) from None
            line, rest = rest[end:].partition("\n")[::2]
            if line.strip():
                raise SettingsError(f"{line.strip()!r} follows a query clause; give it as another filter", "filter")
            yield clause
        else:
            line, _, rest = rest.partition("\n")
            yield line
        rest = rest.strip()


def _field_equals(given: str, types: FieldTypes) -> dict[str, Any]:
    name, equals, value = (part.strip() for part in given.partition("="))
    if not equals or not name:
        raise SettingsError(
            f'{given!r} is not a filter; expected field=value or JSON such as {{"term": ...}}', "filter"
        )
    if not is_field(name, types):
        near = suggestion(name, (known for known in types if not known.startswith("_")))
        raise SettingsError(
            f"the index has no field {name!r}{near or '; expected field=value with an existing field'}", "filter"
        )
    clause = _equals(name, value, types)
    path = nested_path(name, types)
    return {"nested": {"path": path, "query": clause, "ignore_unmapped": True}} if path else clause


def _equals(name: str, value: str, types: FieldTypes) -> dict[str, Any]:
    if "text" not in types.get(name, ()):
        return {"term": {name: value}}
    exact = next((field for field in types if field.startswith(f"{name}.") and "keyword" in types[field]), None)
    return {"term": {exact: value}} if exact else {"match": {name: {"query": value, "operator": "and"}}}
