"""Find the text fields of an existing index, with read rights alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.client_errors import parsing
from resift.retrieval.engine.settings import EngineSettings
from resift.retrieval.errors import EngineError, SettingsError

ALL_TEXT = "resift_text"
"""In an index made by resift, the field into which title and text are copied, so that BM25 scores them as one."""
PARENT = "resift_parent"
"""In an index made by resift, the field of a passage with the id of its document."""
MOST_FIELDS = 100
"""Maximum number of text fields searched by default; with more, engines reject even short queries."""
_BOOST = re.compile(r"(?:\^(?:0*[1-9]\d*(?:\.\d+)?|0*\.\d*[1-9]\d*|0+\.\d*[1-9]\d*))?")
TITLE_NAMES = ("title", "name", "headline", "subject", "heading")
_TEXT_TYPES = {"text", "match_only_text", "annotated_text", "search_as_you_type", "semantic_text"}
_INNER_TYPES = {"object", "nested"}
_UNMAPPED = "unmapped"  # the type of a field in an index that lacks it
FieldTypes = Mapping[str, set[str]]
"""Field -> its types: several if the indices differ, `unmapped` among them if an index lacks the field."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that are searched, and those that are read.

    `searched`: fields with boosts, as multi_match takes them. `nested`: field -> the path of the nested object that
    contains it. `title`: the field with a document's title, or "". `text`: the fields that form its text. `collapse`:
    the field with the id of a passage's document, or "". `others`: more fields to read.
    """

    searched: tuple[str, ...]
    title: str
    text: tuple[str, ...]
    nested: Mapping[str, str]
    collapse: str = ""
    others: tuple[str, ...] = ()

    @property
    def read(self) -> list[str]:
        """The fields whose contents are fetched."""
        return list(dict.fromkeys([*([self.title] if self.title else []), *self.text, *self.others]))


def find_fields(types: FieldTypes, address: Address, settings: EngineSettings, others: Sequence[str] = ()) -> Fields:
    """Return the fields that `settings` name; the others are chosen from `types`, those of the index.

    `others` are read as well, if they exist. Raises EngineError if the index has no text field, or too many to search,
    and SettingsError if a field that `settings` name does not exist.
    """
    if not types:
        raise EngineError("no index of that name has any fields; check the name", str(address))
    named = _listed(settings.search_fields)
    for name in named:
        if not _BOOST.fullmatch(name.partition("^")[1] + name.partition("^")[2]):
            raise SettingsError(f"the boost of {name!r} is not a number above 0; expected for example title^3", "field")
    for name in map(_plain, [*named, *_listed(settings.source_text), *_listed(settings.source_title)]):
        if "*" not in name and name not in types:
            known = ", ".join([one for one in text_fields(types) if one != ALL_TEXT][:12]) or "none"
            raise SettingsError(f"{address.index} has no field {name!r}; its text fields are {known}", "field")
    found = text_fields(types)
    if not found and not named:
        raise EngineError("the index has no text field to search; name other fields with --field", str(address))
    ours = _everywhere(ALL_TEXT, types)
    if len(found) > MOST_FIELDS and not (named or ours):
        some = ", ".join(found[:5])
        raise EngineError(
            f"the index has {len(found)} text fields ({some}, …), too many to search; choose some with --field",
            str(address),
        )
    visible = [name for name in found if name != ALL_TEXT]
    title = settings.source_title or next((name for name in TITLE_NAMES if name in visible), "")
    searched = named or ([ALL_TEXT] if ours else visible)
    plain = [name for name in map(_plain, searched if named else visible) if name != title]
    text = (
        _listed(settings.source_text)
        or [name for name in plain if name != ALL_TEXT]
        or [n for n in visible if n != title]
    )
    nested = {name: path for name in map(_plain, searched) if (path := nested_path(name, types))}
    more = tuple(name for name in others if is_field(name, types))
    return Fields(tuple(searched), title, tuple(text), nested, PARENT if _everywhere(PARENT, types) else "", more)


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


def _everywhere(name: str, types: FieldTypes) -> bool:
    """Return True if every index has the field: resift's own fields are used only if all searched indices have them."""
    return name in types and _UNMAPPED not in types[name]


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


def _plain(name: str) -> str:
    """Return a field's name without its boost."""
    return name.partition("^")[0]


def _listed(names: str | None) -> Sequence[str]:
    return [name.strip() for name in (names or "").split(",") if name.strip()]
