"""Refuse an addition that would put new fields into the mapping of an index that another program made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from resift.indexer.engine.mapping import rename_fields, source_of
from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document

_COMPARED = 500  # documents, from the first, that are compared before any is sent
_MOST_NAMES = 8  # in a message
_CHANGES = ("true", "runtime")  # values of `dynamic` with which a new field changes the mapping


def check_no_new_fields(documents: Iterable[Document], mapping: Mapping[str, Any], index: str) -> Iterator[Document]:
    """Yield `documents`, of which the first 500 are checked before any is yielded, and each other before its turn.

    `mapping` is that of `index`. Raises IndexingError if a document has a field that the engine would add to it.
    """
    rest = iter(documents)
    first = list(islice(rest, _COMPARED))
    _check(first, mapping, index)
    yield from first
    for document in rest:
        _check([document], mapping, index)
        yield document


def _check(documents: Iterable[Document], mapping: Mapping[str, Any], index: str) -> None:
    found = dict.fromkeys(
        chain.from_iterable(new_fields(source_of(rename_fields(document)), mapping) for document in documents)
    )
    if found:
        names = ", ".join(list(found)[:_MOST_NAMES]) + (", …" if len(found) > _MOST_NAMES else "")
        raise IndexingError(
            f"{index} was not made by resift and has no field {names}, which the documents would add to its mapping; "
            "name the columns to keep with `fields` ('' for none), or add the fields to the mapping first"
        )


def new_fields(source: Mapping[str, Any], mapping: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the paths in the `source` of a document that an engine would add to the `mapping` of an index.

    >>> mapping = {"properties": {"text": {"type": "text"}, "meta": {"properties": {"lang": {"type": "keyword"}}}}}
    >>> list(new_fields({"text": "x", "lang": "en", "meta": {"lang": "en", "year": 1}, "none": None}, mapping))
    ['lang', 'meta.year']
    """
    if str(mapping.get("enabled", True)).lower() == "false":
        return
    changes = str(mapping.get("dynamic", "true")).lower() in _CHANGES
    properties = mapping.get("properties") or {}
    for name, value in source.items():
        first, dot, rest = name.partition(".")
        if dot and name not in properties:
            name, value = first, {rest: value}
        known = properties.get(name)
        if known is None:
            if changes and not _is_empty(value):
                yield prefix + name
        elif "properties" in known or known.get("type", "object") in ("object", "nested"):
            inherited = {"dynamic": mapping.get("dynamic", "true"), **known}
            for member in value if isinstance(value, list) else [value]:
                if isinstance(member, Mapping):
                    yield from new_fields(member, inherited, f"{prefix}{name}.")


def _is_empty(value: object) -> bool:
    """Return True for a value for which an engine adds no field."""
    return value is None or (isinstance(value, list) and all(_is_empty(member) for member in value))
