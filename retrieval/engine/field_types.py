"""The fields of an index and their types, read with the right to search it alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.client_errors import parsing

_TEXT_TYPES = {"text", "match_only_text", "annotated_text", "search_as_you_type", "semantic_text"}
_INNER_TYPES = {"object", "nested", "passthrough"}
UNMAPPED = "unmapped"
"""The type of a field in an index that lacks it."""
FieldTypes = Mapping[str, set[str]]
"""Field -> its types: several if the indices differ, `unmapped` among them if an index lacks the field."""


def is_field(name: str, types: FieldTypes) -> bool:
    """Return True if the index has a field, or a field that contains it, as a flattened object contains its keys."""
    parts = name.split(".")
    return name.startswith("_") or any(".".join(parts[:end]) in types for end in range(1, len(parts) + 1))


def text_fields(types: FieldTypes) -> list[str]:
    """Return the fields with analyzed text, without multi-fields, which index another field a second time."""
    return sorted(name for name, kinds in types.items() if kinds & _TEXT_TYPES and not _is_multi_field(name, types))


def field_types(engine: Engine, address: Address) -> FieldTypes:
    """Return each field with its types in all indices of `address`. Needs read rights. Raises EngineError."""
    params = {"fields": "*", "include_unmapped": "true"}
    body: Any = engine.request("GET", f"{address.path}/_field_caps", params=params)
    with parsing(str(address)):
        return {name: set(kinds) for name, kinds in body["fields"].items() if not name.startswith("_")}


def is_everywhere(name: str, types: FieldTypes) -> bool:
    """Return True if every index has the field: resift's own fields are used only if all searched indices have them."""
    return name in types and UNMAPPED not in types[name]


def _is_multi_field(name: str, types: FieldTypes) -> bool:
    parent, dot, _ = name.rpartition(".")
    return bool(dot) and parent in types and not types[parent] & _INNER_TYPES


def nested_path(name: str, types: FieldTypes) -> str:
    """Return the path of the innermost nested object that contains a field, "" if none does."""
    path = name
    while path := path.rpartition(".")[0]:
        if "nested" in types.get(path, ()):
            return path
    return ""
