"""How the fields of an index are mapped, as far as it decides which text an engine sends to a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resift.retrieval.engine.field_types import UNMAPPED, FieldTypes, nested_path, text_fields
from resift.retrieval.near_names import suggestion

_PROSE = {"text", "match_only_text", "annotated_text", "search_as_you_type", "semantic_text"}


def field_problem(name: str, types: FieldTypes, index: Mapping[str, Any], by_source: bool) -> tuple[str, str, bool]:
    """Return what is wrong with a field whose text an engine sends to a model: what, the remedy, and whether it works.

    `index` is the index as GET /INDEX reports it, empty if that is not known. With `by_source` the engine reads the
    first level of the source alone, as OpenSearch does; Elasticsearch reads the values of fields. What is "" if nothing
    is wrong.
    """
    if name not in types:
        known = ", ".join(text_fields(types)[:12]) or "none"
        near = suggestion(name, types)
        seen = f"the index has no field {name!r}{near}, so an empty text is sent for every hit, without an error"
        return seen, f"name one of its text fields: {known}", False
    kinds = types[name] - {UNMAPPED}
    if "nested" in kinds or nested_path(name, types):
        return f"{name} is nested, and its texts are not sent", "copy them into a text field when you index", False
    if kinds == {"object"}:
        return f"{name} is an object", "name a text field", False
    if by_source and (problem := _source_problem(name, types, index)):
        return problem, f'name a field of the first level, or add "fields": ["{name}"] to every search', False
    if UNMAPPED in types[name]:
        return f"some of the indices have no field {name}: their hits get an empty text", "name a field of all", True
    if not kinds & _PROSE:
        kind = "/".join(sorted(kinds))
        return f"{name} is of the type {kind}, not text", "name the field with the text that users search", True
    return "", "", True


def _source_problem(name: str, types: FieldTypes, index: Mapping[str, Any]) -> str:
    """Return why the source has no value of a field on its first level, "" if it can have one."""
    for one in index.values():
        mapped = dict(mapped_fields((one.get("mappings") or {}).get("properties") or {}))
        if (mapped.get(name) or {}).get("type") == "alias":
            return f"{name} is an alias of {mapped[name].get('path')}: the source lacks it, and an empty text is sent"
    parent, dot, _ = name.rpartition(".")
    if dot and parent in types:
        inner = "is inside an object" if types[parent] & {"object", UNMAPPED} else f"indexes {parent} a second time"
        return f"{name} {inner}: the first level of the source lacks it, and an empty text is sent"
    return ""


def mapped_fields(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the fields of a mapping by their paths, with those inside objects."""
    for name, mapping in properties.items():
        yield f"{prefix}{name}", mapping
        yield from mapped_fields(mapping.get("properties") or {}, f"{prefix}{name}.")


def without_source(index: Mapping[str, Any], fields: Sequence[str]) -> str:
    """Return why the source of some index lacks `fields`; "" if it has them, as far as that is known."""
    for name, one in index.items():
        source = (one.get("mappings") or {}).get("_source") or {}
        if str(source.get("enabled", True)).lower() == "false":
            return f"{name} stores no _source"
        excluded = [field for field in fields if _is_among(field, source.get("excludes") or [])]
        includes = source.get("includes") or []
        excluded += [field for field in fields if includes and not _is_among(field, includes)]
        if excluded:
            return f"the _source of {name} leaves out {excluded[0]}"
    return ""


def _is_among(field: str, patterns: Sequence[str]) -> bool:
    return any(field == one or (one.endswith("*") and field.startswith(one[:-1])) for one in patterns)


def default_pipelines(index: Mapping[str, Any]) -> dict[str, str]:
    """Return the default search pipeline of each index that has one."""
    found = {}
    for name, one in index.items():
        search = ((one.get("settings") or {}).get("index") or {}).get("search") or {}
        if (pipeline := search.get("default_pipeline")) not in (None, "", "_none"):
            found[name] = str(pipeline)
    return found
