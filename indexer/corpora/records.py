"""One record of a corpus, what may be wrong with it, and how it becomes a document."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from indexer.corpora.settings import ID_FIELDS, TEXT_FIELDS, TITLE_FIELDS, CorpusSettings
from retrieval.errors import CorpusError
from retrieval.types import Document

_SURROGATE = re.compile("[\ud800-\udfff]")
_EXCERPT = 200  # characters of a bad record that its report repeats


@dataclass(frozen=True, slots=True)
class Record:
    """What a reader found at one place: `values` by column or key, or the `problem` why there are none."""

    path: str
    line: int | None
    values: Mapping[str, Any]
    problem: str = ""
    excerpt: str = ""


class SkipReport:
    """Counts the records that were left out, by reason, and writes one JSON line each where a file is given."""

    def __init__(self, file: IO[str] | None = None) -> None:
        """Write to `file`, or only count where it is None."""
        self.reasons: Counter[str] = Counter()
        self._file = file

    @classmethod
    @contextmanager
    def opened(cls, settings: CorpusSettings) -> Iterator[SkipReport]:
        """Yield a report that writes to the file that `settings` name. Raises CorpusError where it cannot."""
        if not settings.skipped_file:
            yield cls()
            return
        try:
            file = open(settings.skipped_file, "w", encoding="utf-8")  # noqa: SIM115 - closed below
        except OSError as error:
            raise CorpusError(f"cannot be written: {error.strerror}", settings.skipped_file) from None
        with file:
            yield cls(file)

    @property
    def count(self) -> int:
        """How many records were left out."""
        return sum(self.reasons.values())

    def add(self, record: Record, reason: str) -> None:
        """Count one record, and write where it stands and why it was left out."""
        self.reasons[re.sub(r"'[^']*'|\d+", "…", reason.split(";")[0])] += 1
        if self._file is not None:
            excerpt = record.excerpt or json.dumps(dict(record.values), ensure_ascii=False, default=str)
            row = {"path": record.path, "line": record.line, "reason": reason, "record": excerpt[:_EXCERPT]}
            self._file.write(clean(json.dumps(row, ensure_ascii=False)) + "\n")

    def __str__(self) -> str:
        reasons = "; ".join(f"{count} × {reason}" for reason, count in self.reasons.most_common(5))
        return f"{self.count} bad records were left out ({reasons})"


def to_documents(records: Iterable[Record], settings: CorpusSettings, skipped: SkipReport | None) -> Iterator[Document]:
    """Yield a document for each record.

    Raises CorpusError at the first bad record and at the second use of an id, unless the settings skip them; and
    where not one good record was found. The ids are kept in memory, about 100 bytes each.
    """
    seen: set[str] = set()
    source, found, report = "", False, skipped or SkipReport()
    for record in records:
        source, found = record.path, True
        try:
            document = to_document(record, settings)
            if document.doc_id in seen:
                raise ValueError(f"the id {document.doc_id!r} stands here for the second time; expected each id once")
        except ValueError as error:
            if not settings.skip_bad:
                raise CorpusError(f"{error}", record.path, record.line) from None
            report.add(record, str(error))
            continue
        seen.add(document.doc_id)
        yield document
    if found and not seen:
        raise CorpusError(f"no good record is left: {report}", source)


def to_document(record: Record, settings: CorpusSettings) -> Document:
    """Return the document of one record. Raises ValueError that says what is wrong with it."""
    if record.problem:
        raise ValueError(record.problem)
    values = record.values
    id_name = _name(values, settings.id_field, ID_FIELDS, "id")
    title_name = _name(values, settings.title_field, TITLE_FIELDS, "title", required=settings.title_field is not None)
    text_names = _text_names(values, settings)
    title = _text(values, title_name) if title_name else ""
    text = "\n".join(part for part in (_text(values, name) for name in text_names) if part)
    if not text.strip() and not title.strip():
        raise ValueError(f"the text is empty ({', '.join(text_names)}); expected a text or a title")
    used = {id_name, title_name, *text_names}
    kept = [name for name in values if name not in used] if settings.fields is None else _listed(settings.fields)
    fields = {clean(name): _clean_value(values[name]) for name in kept if name in values and values[name] is not None}
    return Document(_doc_id(values[id_name]), clean(text), clean(title), fields)


def clean(text: str) -> str:
    """Return `text` with lone surrogates, which no UTF-8 can hold, replaced by U+FFFD."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def _name(
    values: Mapping[str, Any], given: str | None, usual: Sequence[str], what: str, *, required: bool = True
) -> str:
    if given is not None and given in values:
        return given
    found = None if given is not None else next((name for name in usual if name in values), None)
    if found is None and required:
        there = ", ".join(map(repr, list(values)[:20])) or "nothing"
        wanted = repr(given) if given is not None else f"any of {', '.join(usual)}"
        raise ValueError(f"no {what}: expected {wanted} but found {there}; name the right one with --{what}-field")
    return found or ""


def _text_names(values: Mapping[str, Any], settings: CorpusSettings) -> list[str]:
    if settings.text_field is None:
        return [_name(values, None, TEXT_FIELDS, "text")]
    return [_name(values, name, (), "text") for name in _listed(settings.text_field)]


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values[name]
    if value is None:
        return ""
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{name!r} is {_kind(value)}; expected a text")
    return str(value)


def _doc_id(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"the id is {_kind(value)}; expected a text or a whole number")
    doc_id = clean(str(value))
    if not doc_id.strip():
        raise ValueError("the id is empty; expected a text or a whole number")
    return doc_id


def _kind(value: object) -> str:
    kinds = {"dict": "an object", "list": "a list", "NoneType": "null", "bool": "true or false", "float": "a fraction"}
    return kinds.get(type(value).__name__, f"a {type(value).__name__}")


def _clean_value(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(name)): _clean_value(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_value(member) for member in value]
    return value if isinstance(value, bool | int | float) or value is None else str(value)
