"""The fields of hits besides title and text, in the same form whichever first stage found them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion
from resift.retrieval.types import Document, Hit

_OWN = ("doc_id", "title", "text")
_MOST_NAMES = 20  # names that an error lists


def fields_of(document: Document) -> dict[str, object]:
    """Return the fields of the corpus, without those that describe the hit, such as an engine's `_index`."""
    return {name: value for name, value in document.fields.items() if not name.startswith("_")}


def as_text(document: Document, name: str) -> str:
    """Return the value of a field as text, "" if the document does not have it; a dot leads into an object.

    >>> as_text(Document("d", "", fields={"tags": ["red", 7], "by": {"name": "Ann"}}), "by.name")
    'Ann'
    """
    if name in _OWN:
        return str(getattr(document, name))
    return _text(_value(document.fields, name))


def check_fields(names: Sequence[str], hits: Iterable[Hit]) -> None:
    """Raise SettingsError, with near names, if none of the `hits` has one of the fields `names`."""
    documents = [hit.document for hit in hits]
    known = dict.fromkeys([*(name for document in documents for name in fields_of(document)), *_OWN])
    for name in names:
        if documents and name not in known and all(_value(document.fields, name) is None for document in documents):
            listed = ", ".join([*known][:_MOST_NAMES]) + (", …" if len(known) > _MOST_NAMES else "")
            near = suggestion(name, known) or f"; the hits have {listed}"
            raise SettingsError(f"no hit has a field {name!r}{near}", "show")


def _value(fields: Mapping[str, object], path: str) -> object:
    """Return the value at a dotted path; a key that contains the dots itself comes first."""
    if path in fields:
        return fields[path]
    for place, character in enumerate(path):
        inner = fields.get(path[:place]) if character == "." else None
        for member in inner if isinstance(inner, list) else [inner]:
            if isinstance(member, Mapping) and (found := _value(member, path[place + 1 :])) is not None:
                return found
    return None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
