"""What the model read of a document when it gave the score that decided, and where that is in the document's field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from resift.rerank.reranker import Reranking
from resift.rerank.template import RenderedText, Template, field_values
from resift.rerank.template_pattern import fields_of, parse_pattern
from resift.retrieval.types import Document


@dataclass(frozen=True, slots=True)
class FieldPart:
    """A part of one field of a document, by the field's `name` in the template: its characters `start` to `end`."""

    name: str
    start: int
    end: int

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"name": self.name, "start": self.start, "end": self.end}


@dataclass(frozen=True, slots=True)
class ExplainedPassage:
    """The part of a document that decided its score.

    `text`: its text, which is that from `start` to `end`, in characters, of the text that the template built of the
    document; that has `length` characters. `head`: what the model read before it, the title that is repeated before a
    later passage; "" for the first one, which begins at 0. `field`: where the document's own text in the passage is in
    its field, without the title and the words of the template; None if it is not in a field as it is there, since HTML
    was removed from it, or it is made of several values.
    """

    text: str
    start: int
    end: int
    length: int
    head: str = ""
    field: FieldPart | None = None

    @property
    def read(self) -> str:
        """What the model read: the head, and the passage."""
        return self.head + self.text

    def as_json(self) -> dict[str, Any]:
        """Return the passage as a JSON object."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "length": self.length,
            "head": self.head,
            "field": None if self.field is None else self.field.as_json(),
        }


def deciding_passage(result: Reranking, document: Document) -> ExplainedPassage | None:
    """Return what the model read of `document` when it gave the score that decided; None if it did not score it.

    A document that was read at once is one passage, and one that was cut is one up to there. If the scorer does not
    report how much of a text it read, the end is estimated, or is that of the text if nothing says that it was cut.
    """
    doc_id = document.doc_id
    if doc_id not in result.logits:
        return None
    rendered = result.template.read(document)
    length, head = len(rendered.text), 0
    part = result.passages.get(doc_id)
    if part is None:
        start, end = 0, round(result.read.get(doc_id, 1.0) * length)
    else:
        start, end, head = part.start, part.end, part.head
    return ExplainedPassage(
        rendered.text[start:end],
        start,
        end,
        length,
        rendered.text[:head],
        _field_part(result.template, document, rendered, (start, end)),
    )


def _field_part(
    template: Template, document: Document, rendered: RenderedText, part: tuple[int, int]
) -> FieldPart | None:
    """Return where the own text of a document in `part` of its rendered text is in its field, None if it is not."""
    first = max(part[0], rendered.body)
    wanted = rendered.text[first : part[1]]
    if not wanted:
        return None
    for name, value in _own_values(template, document):
        lead = 0 if rendered.body else len(value) - len(value.lstrip())  # what was removed at the begin of the text
        start = first - rendered.body + lead
        rest = value[start:].rstrip()
        if rest.startswith(wanted):
            return FieldPart(name, start, start + len(wanted))
        if rest and wanted.startswith(rest):  # the template has something behind it
            return FieldPart(name, start, start + len(rest))
    return None


def _own_values(template: Template, document: Document) -> Iterator[tuple[str, str]]:
    """Yield the fields that may be the document's own text, by the rules of the template, each with its value."""
    fields = list(fields_of(parse_pattern(template.pattern)))
    own = next((one.names for one in fields if "text" in one.names), None)
    names = own or [name for one in fields for name in one.names]
    found = {name: value for name in names if (value := _value(document, name))}
    yield from found.items() if own else sorted(found.items(), key=lambda item: -len(item[1]))


def _value(document: Document, name: str) -> str:
    """Return the value of a field, "" if it does not have exactly one."""
    found = field_values(document, name)
    return found[0] if len(found) == 1 else ""
