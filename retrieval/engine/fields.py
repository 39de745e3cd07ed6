"""The fields of an index that are searched, and those that are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resift.retrieval.engine.address import Address
from resift.retrieval.engine.field_choice import TITLE_NAMES, Choice
from resift.retrieval.engine.field_types import UNMAPPED, FieldTypes, is_everywhere, is_field, nested_path, text_fields
from resift.retrieval.engine.other_fields import EVERY, vector_fields
from resift.retrieval.engine.settings import EngineSettings
from resift.retrieval.errors import EngineError, SettingsError

ALL_TEXT = "resift_text"
"""In an index made by resift, the field into which title and text are copied, so that BM25 scores them as one."""
PARENT = "resift_parent"
"""In an index made by resift, the field of a passage with the id of its document."""
MOST_FIELDS = 100
"""Maximum number of text fields searched by default; with more, engines reject even short queries."""
NOT_IN_BODY = "not in your search body"
"""The reason why a field is not read that a user's own search body does not search."""
_BOOST = re.compile(r"(?:\^(?:0*[1-9]\d*(?:\.\d+)?|0*\.\d*[1-9]\d*|0+\.\d*[1-9]\d*))?")
_MOST_NAMES = 12  # in a message


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that are searched, and those that are read.

    `searched`: fields with boosts, as multi_match takes them. `nested`: field -> the path of the nested object that
    contains it. `title`: the field with a document's title, or "". `text`: the fields that form its text. `collapse`:
    the field with the id of a passage's document, or "". `others`: more fields to read; "*" among them reads all but
    the fields of `vectors`.
    """

    searched: tuple[str, ...]
    title: str
    text: tuple[str, ...]
    nested: Mapping[str, str]
    collapse: str = ""
    others: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()

    @property
    def read(self) -> list[str]:
        """The fields whose contents are fetched."""
        return list(dict.fromkeys([*([self.title] if self.title else []), *self.text, *self.others]))

    @property
    def source(self) -> list[str] | dict[str, list[str]]:
        """The filter of the source, as a search body takes it."""
        names = [*self.read, *([self.collapse] if self.collapse else [])]
        return {"includes": names, "excludes": list(self.vectors)} if self.vectors else names


def candidates(types: FieldTypes, settings: EngineSettings) -> list[str]:
    """Return the text fields among which some are to be chosen: none if `settings` name them, or the index is ours."""
    if settings.search_fields or is_everywhere(ALL_TEXT, types):
        return []
    found = _visible(types)
    return found if len(found) <= MOST_FIELDS else []


def body_choice(types: FieldTypes, settings: EngineSettings, searched: Sequence[str]) -> Choice | None:
    """Return the fields that are read with a user's own search body: those that it has `searched`, and a title.

    None if it searches no text field besides the title, or `settings` name the text: then the fields are chosen as
    for a search without a body.
    """
    found = _visible(types)
    title = Choice(tuple(found)).title() if settings.source_title is None else settings.source_title
    texts = [name for name in searched if name in found and name != title]
    if not texts or settings.source_text:
        return None
    used = tuple(name for name in found if name in texts or name == title)
    return Choice(used, dict.fromkeys([name for name in found if name not in used], NOT_IN_BODY))


def find_fields(
    types: FieldTypes,
    address: Address,
    settings: EngineSettings,
    others: Sequence[str] = (),
    choice: Choice | None = None,
) -> Fields:
    """Return the fields that `settings` name; for those that they do not, the ones of `choice`, or all text fields.

    `types` are the fields of the index. `others` are read as well, if they exist. Raises EngineError if the index has
    no text field, or too many to search, and SettingsError if a field that `settings` name does not exist.
    """
    check_has_fields(types, address)
    named = _listed(settings.search_fields)
    _check_named(named, [*_listed(settings.source_text), *_listed(settings.source_title)], types, address)
    found = _visible(types)
    ours = is_everywhere(ALL_TEXT, types)
    if not (named or ours or choice):
        _check_searchable(found, types, address)
    used = Choice(tuple(found)) if choice is None else choice
    found_title = used.title() or (_keyword_title(types) if choice else "")
    title = found_title if settings.source_title is None else settings.source_title
    searched = named or ([ALL_TEXT] if ours else used.used)
    plain = [name for name in map(_plain, named or used.used) if name != title]
    text = (
        _listed(settings.source_text)
        or [name for name in plain if name != ALL_TEXT]
        or [name for name in used.used if name != title]
    )
    nested = {name: path for name in map(_plain, searched) if (path := nested_path(name, types))}
    more = tuple(name for name in others if name == EVERY or is_field(name, types))
    vectors = tuple(vector_fields(types)) if EVERY in more else ()
    collapse = PARENT if is_everywhere(PARENT, types) else ""
    return Fields(tuple(searched), title, tuple(text), nested, collapse, more, vectors)


def check_has_fields(types: FieldTypes, address: Address) -> None:
    """Raise EngineError if there are no fields: engines report none for a name without an index."""
    if not types:
        message = "no index of that name has any fields; check the name, and that the index is open and not empty"
        raise EngineError(message, str(address))


def choice_notes(fields: Fields, choice: Choice, own_body: bool = False) -> list[str]:
    """Return which fields are searched and read, if they are not a title and one text alone, and which are left out.

    With a user's own search body, only which are read.
    """
    if not (choice.left_out or len(choice.used) > len(fields.text[:1]) + bool(fields.title) or choice.mixed()):
        return []
    read = [*([f"{fields.title} (title)"] if fields.title else []), *fields.text]
    if own_body:
        others = f"; not read: {choice.describe()}" if choice.left_out else ""
        return [f"note: fields read: {', '.join(read)}{others} (`source_text` names others)"]
    same = set(fields.searched) == {fields.title, *fields.text} - {""}
    used = (
        f"searched and read: {', '.join(read)}"
        if same
        else (f"searched: {', '.join(fields.searched)}; read: {', '.join(read)}")
    )
    others = f"; not used: {choice.describe()}" if choice.left_out else ""
    mixed = f"; they are in several languages: {choice.mixed()}" if choice.mixed() else ""
    return [f"note: fields {used}{mixed}{others} (`search_fields` and `source_text` name others)"]


def _check_named(searched: Sequence[str], read: Sequence[str], types: FieldTypes, address: Address) -> None:
    """Raise SettingsError if a field that the settings name does not exist, or its boost is not a number above 0."""
    for name in searched:
        if not _BOOST.fullmatch(name.partition("^")[1] + name.partition("^")[2]):
            raise SettingsError(f"the boost of {name!r} is not a number above 0; expected for example title^3", "field")
    for name in map(_plain, [*searched, *read]):
        if "*" not in name and name not in types:
            known = ", ".join(_visible(types)[:_MOST_NAMES]) or "none"
            raise SettingsError(f"{address.index} has no field {name!r}; its text fields are {known}", "field")


def _check_searchable(found: Sequence[str], types: FieldTypes, address: Address) -> None:
    """Raise EngineError if an index has no text field, or too many."""
    if not found:
        known = [f"{name} ({'/'.join(sorted(kinds))})" for name, kinds in types.items() if "object" not in kinds]
        raise EngineError(
            f"the index has no text field to search; its fields are {', '.join(known[:_MOST_NAMES])}; name those to "
            "search with `search_fields`",
            str(address),
        )
    if len(found) > MOST_FIELDS:
        some = ", ".join(found[:5])
        raise EngineError(
            f"the index has {len(found)} text fields ({some}, …), too many to search; choose some with `search_fields`",
            str(address),
        )


def _keyword_title(types: FieldTypes) -> str:
    """Return the field with a title that can be read and is not analyzed, "" if there is none."""
    return next((name for name in TITLE_NAMES if types.get(name, set()) - {UNMAPPED} == {"keyword"}), "")


def _visible(types: FieldTypes) -> list[str]:
    """Return the text fields without the one into which resift copies the others."""
    return [name for name in text_fields(types) if name != ALL_TEXT]


def _plain(name: str) -> str:
    """Return a field's name without its boost."""
    return name.partition("^")[0]


def _listed(names: str | None) -> Sequence[str]:
    return [name.strip() for name in (names or "").split(",") if name.strip()]
