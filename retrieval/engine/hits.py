"""Convert an engine's hits to documents: fields of any shape become one text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resift.retrieval.engine.fields import ALL_TEXT, PARENT, Fields
from resift.retrieval.engine.other_fields import EVERY, other_fields
from resift.retrieval.engine.tally import Tally
from resift.retrieval.field_values import values
from resift.retrieval.text import clean
from resift.retrieval.types import Document

LONGEST_TEXT = 200_000
"""Maximum number of characters kept of a document's text; a model reads a few thousand at most."""


class HitReader:
    """Converts hits to documents, and counts the irregular ones; safe to share between threads.

    `counts`: "empty" (documents without text), "long" (documents that were cut). Texts are as the engine stores
    them: HTML is removed where a text is read (`resift.retrieval.markup`).
    """

    def __init__(self, fields: Fields) -> None:
        """Read `fields`."""
        self.fields = fields
        self.counts = Tally()
        self._read = {fields.title, *fields.text, ALL_TEXT, PARENT}

    def read(self, hit: Mapping[str, Any], doc_id: str | None = None) -> Document:
        """Return the document of a hit, with `doc_id` in place of the hit's own id if it is given."""
        source = {**hit.get("fields", {}), **(hit.get("_source") or {})}
        title = clean(" ".join(values(source, self.fields.title))) if self.fields.title else ""
        text = clean("\n".join(value for name in self.fields.text for value in values(source, name)))
        self.counts.add("read")
        if not text.strip():
            self.counts.add("empty")
        if len(text) > LONGEST_TEXT:
            self.counts.add("long")
            text = text[:LONGEST_TEXT]
        fields: dict[str, object] = {"_index": hit.get("_index", "")}
        if EVERY in self.fields.others and isinstance(rest := other_fields(source, self._read), dict):
            fields |= rest
        fields |= {name: found for name in self.fields.others if (found := list(values(source, name)))}
        return Document(str(hit["_id"]) if doc_id is None else doc_id, text, title, fields)

    def has_text(self, hit: Mapping[str, Any]) -> bool:
        """Return True if a hit's source has a value of any text field."""
        source = hit.get("_source") or {}
        return any(next(values(source, name), None) is not None for name in self.fields.text)

    def notes(self, stored: bool = False) -> list[str]:
        """Return a line for each kind of irregular document that was read; `stored` if the index has no source."""
        if stored and self.counts["empty"] and self.counts["empty"] == self.counts["read"]:
            return [
                f"note: the texts of {', '.join(self.fields.text)} can be searched, but not fetched: the index stores "
                "neither its source nor these fields, so the model cannot read them; store them, or name stored fields "
                f"with `source_text`: {self.counts['empty']}"
            ]
        lines = {
            "empty": f"documents without text in {', '.join(self.fields.text)}, scored by their other fields",
            "long": f"documents cut to their first {LONGEST_TEXT:,} characters",
        }
        return [f"note: {text}: {self.counts[key]}" for key, text in lines.items() if self.counts[key]]
