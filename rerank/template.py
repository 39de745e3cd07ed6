"""Build the text of a document that the cross-encoder reads, in the same way for search, evaluation and training."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from string import Formatter

from resift.retrieval.errors import SettingsError
from resift.retrieval.markup import HTML_MODES, plain_text
from resift.retrieval.types import Document

DEFAULT_TEMPLATE = "{title} {text}"

_OF_EVERY_DOCUMENT = ("title", "text", "doc_id")

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
    """A pattern with `{title}`, `{text}`, `{doc_id}` and any other field of the document by its name.

    A field that a document does not have counts as empty. White space at both ends of the result is removed. A title
    is left out if the text begins with it, as whole words. If all fields in the pattern are empty, so is the result:
    the pattern's own words are not a text of the document, nor is its id beside an empty title and text.

    >>> Template("{title} {text}").render(Document("d", "A long tail.", title="Cats"))
    'Cats A long tail.'
    """

    pattern: str = DEFAULT_TEMPLATE
    html: str = "auto"

    def __post_init__(self) -> None:
        """Raise SettingsError if the pattern is malformed or does not contain a field, or `html` is not known."""
        if not self.names():
            raise SettingsError(
                f"{self.pattern!r} does not contain a field; expected for example '{DEFAULT_TEMPLATE}'", "template"
            )
        if self.html not in HTML_MODES:
            raise SettingsError(f"{self.html!r} is not known; expected {', '.join(HTML_MODES)}", "html")

    def names(self) -> list[str]:
        """Return the field names in the pattern, in order.

        Raises SettingsError if the pattern is malformed, or the text in its braces is not a field name.
        """
        try:
            parts = [part for part in Formatter().parse(self.pattern) if part[1] is not None]
        except ValueError as error:
            raise SettingsError(f"{self.pattern!r} is not a template: {error}", "template") from None
        for _, name, form, conversion in parts:
            if form or conversion or not re.fullmatch(r"[^\s\d{}!:\[\]][^\s{}!:\[\]]*", str(name)):
                raise SettingsError(f"{name!r} is not a field name; write it as {{title}} or {{text}}", "template")
        return [str(name) for _, name, _, _ in parts]

    def fields(self) -> tuple[str, ...]:
        """Return the field names in the pattern other than title, text and doc_id, which every document has."""
        return tuple(name for name in self.names() if name not in _OF_EVERY_DOCUMENT)

    def render(self, document: Document) -> str:
        """Return the text of `document` that the cross-encoder reads; empty if the document has no text to read."""
        return self.read(document).text

    def read(self, document: Document) -> RenderedText:
        """Return the text of `document` that the cross-encoder reads, and where its own text begins in it."""
        names = set(self.names())
        raw = {name: _as_text(document.fields.get(name)) for name in names}
        raw |= {"title": document.title, "text": document.text, "doc_id": document.doc_id}
        values = {name: plain_text(raw[name], self.html) for name in names | {"title", "text"}}
        html = any(values[name] != raw[name] for name in names)
        if _begins_with(values["text"], values["title"]):
            values["title"] = ""
        described = names - {"doc_id"} if names & {"title", "text"} else names
        if not any(_can_be_read(values[name]) for name in described):
            return RenderedText("")
        text, body = _fill(self.pattern, values)
        cut = len(text) - len(text.lstrip())
        text = text.strip()
        return RenderedText(text, min(max(0, body - cut), len(text)), html)

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
        counts = {name: sum(name not in one for one in fields) for name in own}
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


def _can_be_read(text: str) -> bool:
    """Return whether `text` contains a character other than white space, control and format characters."""
    return any(character.isprintable() and not character.isspace() for character in text)


def _as_text(value: object) -> str:
    """Return a field's value as text: the members of a list are joined by spaces, None is empty."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " ".join(_as_text(member) for member in value)
    return value if isinstance(value, str) else str(value)


def _fill(pattern: str, values: dict[str, str]) -> tuple[str, int]:
    """Return `pattern` with `values` in place of the fields, and the offset at which the first {text} begins, or 0."""
    parts: list[str] = []
    size, body = 0, None
    for literal, name, _, _ in Formatter().parse(pattern):
        value = "" if name is None else values[name]
        size += len(literal)
        if name == "text" and body is None:
            body = size
        size += len(value)
        parts += [literal, value]
    return "".join(parts), body or 0
