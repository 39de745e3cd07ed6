"""Build the text of a document that the cross-encoder reads, in the same way for search, evaluation and training."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from resift.rerank.template_budget import Cut, cut_by_size
from resift.rerank.template_pattern import Field, Group, Part, fields_of, parse_pattern
from resift.retrieval.errors import SettingsError
from resift.retrieval.field_values import values as texts_at
from resift.retrieval.markup import HTML_MODES, plain_text
from resift.retrieval.types import Document

DEFAULT_TEMPLATE = "{title} {text}"

_OF_EVERY_DOCUMENT = ("title", "text", "doc_id")
"""Fields that are attributes of a document; the others are in its `fields`."""

_IN_WORDS = "'\u2019.:\u00b7"  # part of a word between two letters, as in the index (UAX #29)
_IN_NUMBERS = "'\u2019.,;"  # part of a number between two digits
_SENTENCE_ENDS = '.?!:;)]}"\u201d\u00bb\u2026\u3002\uff1f\uff01\uff1a\uff1b\uff09\u3011\u300d\u300f'
_INVISIBLE_SPACES = "\u200b\ufeff"


@dataclass(frozen=True, slots=True)
class RenderedText:
    """The text of a document that the cross-encoder reads; empty if the document has no text to read.

    `body`: the offset in `text`, in characters, at which the document's own text begins; the title and what else the
    template puts before it is the head. `html`: whether HTML was removed.
    """

    text: str
    body: int = 0
    html: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern by which the fields of a document become one text.

    - `{title}`, `{text}`, `{doc_id}`, `{year}`, `{author.name}`: a field, by its name or its path. A field that a
      document does not have is empty.
    - `{title:32}`: at most 32 tokens of it, by `cut`.
    - `{summary|text}`: the first of these that has text. `{author|"unknown"}`: a text for documents without the field.
    - `[Price: {price} EUR. ]`: a group, left out if all its fields are empty.
    - `{{`, `}}`, `[[` and `]]` are the characters themselves.

    The document's own text is `{text}`, or the longest field if the pattern does not have that. A title is left out if
    this text begins with it, as whole words. White space at both ends of the result is removed. If all fields in the
    pattern are empty, so is the result: the pattern's own words are not a text of the document, nor is its id beside an
    empty title and text. `html`: how HTML is removed from the fields.

    >>> Template("{title:32}[ ({year})]: {text}").render(Document("d", "A long tail.", "Cats", {"year": 1999}))
    'Cats (1999): A long tail.'
    """

    pattern: str = DEFAULT_TEMPLATE
    html: str = "auto"
    cut: Cut = field(default=cut_by_size, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Raise SettingsError if the pattern is malformed or does not contain a field, or `html` is not known."""
        if not self.names():
            raise SettingsError(
                f"{self.pattern!r} does not contain a field; expected for example '{DEFAULT_TEMPLATE}'", "template"
            )
        if self.html not in HTML_MODES:
            raise SettingsError(f"{self.html!r} is not known; expected {', '.join(HTML_MODES)}", "html")

    def names(self) -> list[str]:
        """Return the field names in the pattern, in order. Raises SettingsError if the pattern is malformed."""
        return [name for one in fields_of(parse_pattern(self.pattern)) for name in one.names]

    def fields(self) -> tuple[str, ...]:
        """Return the field names in the pattern other than title, text and doc_id, which every document has."""
        return tuple(name for name in self.names() if name not in _OF_EVERY_DOCUMENT)

    def render(self, document: Document) -> str:
        """Return the text of `document` that the cross-encoder reads; empty if the document has no text to read."""
        return self.read(document).text

    def read(self, document: Document) -> RenderedText:
        """Return the text of `document` that the cross-encoder reads, and where its own text begins in it."""
        parts, values = parse_pattern(self.pattern), _Values(document, self.html)
        fields = list(fields_of(parts))
        names = {name for one in fields for name in one.names}
        described = names - {"doc_id"} if names & {"title", "text"} else names
        if not any(values.has_text(name) for name in described):
            return RenderedText("")
        own = next((one for one in fields if "text" in one.names), None)
        own = own or max(fields, key=lambda one: len(values.of(one)))
        titled = "title" in names and values.chosen(own) != "title"
        without_title = titled and _begins_with(values.of(own), values["title"])
        texts = {}
        for one in fields:
            shown = "" if without_title and values.chosen(one) == "title" else values.of(one) or one.default
            texts[one] = self.cut(shown, one.tokens) if one.tokens and shown else shown
        text, body = _fill(parts, texts, own)
        kept = text.strip()
        body -= len(text) - len(text.lstrip())
        return RenderedText(kept, min(max(0, body), len(kept)), values.html)

    def without_html(self, document: Document) -> Document:
        """Return `document` with the title and the text as they are shown, without the HTML that is not read."""
        return replace(document, title=plain_text(document.title, self.html), text=plain_text(document.text, self.html))

    def lacking(self, documents: Iterable[Document]) -> dict[str, int]:
        """Return field name -> how many of `documents` do not have it, for the fields in the pattern.

        Fields that all documents have are left out. Title, text and doc_id are never counted: every document has them,
        even if they are empty.

        >>> Template("{titel} {text}").lacking([Document("d", "A long tail.", title="Cats")])
        {'titel': 1}
        """
        own = dict.fromkeys(self.fields())
        if not own:
            return {}
        fields = [document.fields for document in documents]
        counts = {name: sum(name not in one and not any(texts_at(one, name)) for one in fields) for name in own}
        return {name: count for name, count in counts.items() if count}


def _begins_with(text: str, title: str) -> bool:
    """Return whether `text` begins with `title`, and the last word of `title` ends there.

    Where the text continues with a letter, digit or mark, the title counts as a part of a word. So it does in Chinese,
    Japanese or Thai, which have no spaces: whether the word ends there cannot be seen, and a title that is read twice
    is harmless.

    >>> _begins_with("Java runs on a JVM", "Java"), _begins_with("JavaScript runs in browsers", "Java")
    (True, False)
    """
    title = title.rstrip()
    if not title or not text.startswith(title):
        return False
    last, after = title[-1], text[len(title) : len(title) + 2]
    if last in _SENTENCE_ENDS or not after:
        return True
    if after[0] in (_IN_NUMBERS if last.isdigit() else _IN_WORDS) and last.isalnum():  # 3.14, don't
        return not after[1:].isalnum()
    kind = unicodedata.category(after[0])
    return not (kind[0] in "LNM" or (kind == "Cf" and after[0] not in _INVISIBLE_SPACES) or after[0] in "_+#")


def field_values(document: Document, name: str) -> list[str]:
    """Return the values of a field of `document`, by the name in a template; empty if it does not have the field.

    >>> field_values(Document("d", "A long tail.", fields={"tags": ["pet", "fur"]}), "tags")
    ['pet', 'fur']
    """
    if name in _OF_EVERY_DOCUMENT:
        return [str(getattr(document, name))]
    fields = document.fields
    # an engine's document may have a field both by its path and inside its object
    return list(texts_at({name: fields[name]} if name in fields else fields, name))


class _Values:
    """The texts of a document's fields as they are read, without HTML; `html`: whether one of them had some."""

    __slots__ = ("_document", "_found", "_mode", "html")

    def __init__(self, document: Document, mode: str) -> None:
        self._document, self._mode, self.html = document, mode, False
        self._found: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """Return the text of the field `name`, "" if the document does not have it."""
        found = self._found.get(name)
        if found is None:
            raw = " ".join(field_values(self._document, name))
            self._found[name] = found = plain_text(raw, self._mode)
            self.html = self.html or found != raw
        return found

    def has_text(self, name: str) -> bool:
        """Return whether the field `name` has a character to read."""
        return any(character.isprintable() and not character.isspace() for character in self[name])

    def chosen(self, one: Field) -> str | None:
        """Return the first name in `one` that has text; None if none has."""
        return next((name for name in one.names if self.has_text(name)), None)

    def of(self, one: Field) -> str:
        """Return the text of the chosen name in `one`, "" if there is none."""
        name = self.chosen(one)
        return "" if name is None else self[name]


def _fill(parts: Iterable[Part], texts: Mapping[Field, str], own: Field) -> tuple[str, int]:
    """Return the text of `parts` with `texts` in place of the fields, and the offset of `own` in it, or 0."""
    pieces: list[str] = []
    size, body = 0, None
    for part in parts:
        grouped = part.parts if isinstance(part, Group) else (part,)
        if isinstance(part, Group) and not any(texts[one].strip() for one in grouped if isinstance(one, Field)):
            continue
        for one in grouped:
            if one == own and body is None:
                body = size
            pieces.append(one if isinstance(one, str) else texts[one])
            size += len(pieces[-1])
    return "".join(pieces), body or 0
