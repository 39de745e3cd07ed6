"""The fields of a hit beside its title and text, as JSON values, as the embedded index returns them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from resift.retrieval.engine.field_types import FieldTypes

EVERY = "*"
"""As the name of a field to read: all fields of the source."""
_VECTOR_TYPES = {"dense_vector", "sparse_vector", "rank_features", "knn_vector"}


def vector_fields(types: FieldTypes) -> list[str]:
    """Return the fields with vectors, which are large and of no use to a reader."""
    return sorted(name for name, kinds in types.items() if kinds & _VECTOR_TYPES)


def other_fields(source: object, read: Collection[str], prefix: str = "") -> object:
    """Return a copy of `source` without the fields at the dotted paths `read`, and without objects that become empty.

    >>> other_fields({"title": "Soup", "sku": 7, "body": {"main": "Simmer.", "pages": 2}}, ["title", "body.main"])
    {'sku': 7, 'body': {'pages': 2}}
    """
    if isinstance(source, list):
        return [other_fields(member, read, prefix) for member in source]
    if not isinstance(source, Mapping):
        return source
    kept = {}
    for name, value in source.items():
        if f"{prefix}{name}" not in read:
            rest = other_fields(value, read, f"{prefix}{name}.")
            if rest or rest == value:
                kept[name] = rest
    return kept
