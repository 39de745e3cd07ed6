"""Which text of a document the cross-encoder reads: one template, the same in search, evaluation and training."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from string import Formatter

from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Document

DEFAULT_TEMPLATE = "{title} {text}"

_OF_EVERY_DOCUMENT = ("title", "text", "doc_id")


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern with `{title}`, `{text}`, `{doc_id}` and any of the document's other fields by name.

    A field that a document lacks counts as empty; white space at both ends of the result is dropped. A title
    with which the text itself begins is not repeated.

    >>> Template("{title} {text}").render(Document("d", "A long tail.", title="Cats"))
    'Cats A long tail.'
    """

    pattern: str = DEFAULT_TEMPLATE

    def __post_init__(self) -> None:
        """Refuse a pattern that cannot be filled in."""
        if not self.names():
            raise SettingsError(
                f"{self.pattern!r} names no field; expected for example '{DEFAULT_TEMPLATE}'", "template"
            )

    def names(self) -> list[str]:
        """Return the field names in the pattern, in order."""
        try:
            parts = [part for part in Formatter().parse(self.pattern) if part[1] is not None]
        except ValueError as error:
            raise SettingsError(f"{self.pattern!r} is not a template: {error}", "template") from None
        for _, name, form, conversion in parts:
            if form or conversion or not re.fullmatch(r"[^\s\d{}!:\[\]][^\s{}!:\[\]]*", str(name)):
                raise SettingsError(f"{name!r} is not a field name; write it as {{title}} or {{text}}", "template")
        return [str(name) for _, name, _, _ in parts]

    def fields(self) -> tuple[str, ...]:
        """Return the names in the pattern that are fields of the collection's own."""
        return tuple(name for name in self.names() if name not in _OF_EVERY_DOCUMENT)

    def render(self, document: Document) -> str:
        """Return the text of `document` that is scored."""
        return _fill(self.pattern, _values(document)).strip()

    def lacking(self, documents: Iterable[Document]) -> dict[str, int]:
        """Return how many of `documents` have no such field, for each field that the pattern names and one lacks.

        An empty title or text is no lack: every document has those two, and its id.

        >>> Template("{titel} {text}").lacking([Document("d", "A long tail.", title="Cats")])
        {'titel': 1}
        """
        own = dict.fromkeys(self.fields())
        if not own:
            return {}
        fields = [document.fields for document in documents]
        counts = {name: sum(name not in one for one in fields) for name in own}
        return {name: count for name, count in counts.items() if count}


def _values(document: Document) -> dict[str, str]:
    title = "" if document.title and document.text.startswith(document.title) else document.title
    values = {name: _as_text(value) for name, value in document.fields.items()}
    return {**values, "title": title, "text": document.text, "doc_id": document.doc_id}


def _as_text(value: object) -> str:
    """Return a field's value as text: the members of a list are joined by a blank, null is empty."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " ".join(_as_text(member) for member in value)
    return value if isinstance(value, str) else str(value)


def _fill(pattern: str, values: dict[str, str]) -> str:
    parts = []
    for literal, name, _, _ in Formatter().parse(pattern):
        parts.append(literal)
        if name is not None:
            parts.append(values.get(name, ""))
    return "".join(parts)
