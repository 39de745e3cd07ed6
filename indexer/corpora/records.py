"""Records of a corpus: check one, turn it into a document, or report why it was left out."""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from resift.indexer.corpora.columns import DOCUMENTS, find_column, shown
from resift.indexer.corpora.settings import CorpusSettings
from resift.retrieval.errors import CorpusError
from resift.retrieval.text import clean
from resift.retrieval.types import Document

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")
_EXCERPT = 200  # characters of a bad record that the report quotes
_DEPTH = 100  # nested lists and objects, at most; far below Python's recursion limit
_SKIP_HINT = "indexing with `skip_bad` leaves bad records out"
_USUAL = 5  # usual names in a message, at most


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a source: its `values` by column or key, or the `problem` with it.

    `line` is 1-based, a row number for Parquet, None if there are no lines; `excerpt` is the start of the raw record.
    `ignored` marks something that is not a record, such as an image among text files: it is counted as left out, and
    is never an error.
    """

    path: str
    line: int | None
    values: Mapping[str, Any]
    problem: str = ""
    excerpt: str = ""
    ignored: bool = False


class SkipReport:
    """Counts the records that were left out, by reason, and writes one JSON line per record if it has a file."""

    def __init__(self, file: IO[str] | None = None) -> None:
        """Write to `file`; only count if it is None."""
        self.reasons: Counter[str] = Counter()
        self._file = file
        self._begun = False

    @classmethod
    @contextmanager
    def opened(cls, settings: CorpusSettings) -> Iterator[SkipReport]:
        """Yield a report that writes to `settings.skipped_file`, if set. Raises CorpusError if it cannot be opened."""
        if not settings.skipped_file:
            yield cls()
            return
        try:
            file = open(settings.skipped_file, "a", encoding="utf-8")  # noqa: SIM115 - emptied by `begin`
        except (OSError, ValueError) as error:
            raise CorpusError(f"cannot be written: {_error_text(error)}", settings.skipped_file) from None
        try:
            yield cls(file)
        finally:
            with suppress(OSError):  # each record was flushed, so a write error was raised before
                file.close()

    @property
    def count(self) -> int:
        """The number of records that were left out."""
        return sum(self.reasons.values())

    def begin(self, source: str) -> None:
        """Empty the file, which may have an earlier report. Raises CorpusError if the file is part of the corpus."""
        name = getattr(self._file, "name", None)
        if self._file is None or self._begun or not isinstance(name, str):
            return
        self._begun = True
        with suppress(OSError, ValueError):  # one does not exist, so they are different files
            inside = os.path.isdir(source) and Path(os.path.realpath(name)).is_relative_to(os.path.realpath(source))
            if inside or os.path.samefile(source, name):
                raise CorpusError(f"{name} belongs to the corpus; choose another file for the records left out", source)
        if os.path.isfile(name):  # a device or a pipe cannot be emptied
            self._file.truncate(0)

    def add(self, record: Record, reason: str) -> None:
        """Count one record, and write its place and the reason. Raises CorpusError if the file cannot be written."""
        self.reasons[_QUOTED.sub("…", reason.split(";")[0])] += 1
        if self._file is not None:
            excerpt = record.excerpt or json.dumps(dict(record.values), ensure_ascii=False, default=str)
            row = {"path": record.path, "line": record.line, "reason": reason, "record": excerpt[:_EXCERPT]}
            try:
                self._file.write(clean(json.dumps(row, ensure_ascii=False)) + "\n")
                self._file.flush()
            except OSError as error:
                raise CorpusError(f"cannot be written: {_error_text(error)}", self._file.name) from None

    def __str__(self) -> str:
        reasons = "; ".join(f"{count} × {reason}" for reason, count in self.reasons.most_common(5))
        return f"{self.count} bad records were left out ({reasons})"


def to_documents(
    records: Iterable[Record],
    settings: CorpusSettings,
    skipped: SkipReport | None,
    *,
    empty_ok: bool = False,
    unique: bool = True,
) -> Iterator[Document]:
    """Yield a document for each record; a record without text is bad unless `empty_ok`.

    With `unique`, a second record with the same id is bad; the ids are kept in memory, about 100 bytes each. Raises
    CorpusError at the first bad record unless `settings.skip_bad`, and if all records are bad.
    """
    seen: set[str] = set()
    source, found, good, report = "", False, False, skipped or SkipReport()
    for record in records:
        if record.ignored:
            report.add(record, record.problem)
            continue
        source, found = record.path, True
        try:
            document = to_document(record, settings, empty_ok=empty_ok)
            if document.doc_id in seen:
                raise ValueError(
                    f"the id {document.doc_id!r} was already used by an earlier record; expected each id once"
                )
        except ValueError as error:
            if not settings.skip_bad:
                raise CorpusError(f"{error} ({_SKIP_HINT})", record.path, record.line) from None
            report.add(record, str(error))
            continue
        good = True
        if unique:
            seen.add(document.doc_id)
        yield document
    if found and not good:
        raise CorpusError(f"every record is bad: {report}; correct them, or name the fields to read", source)


def to_document(record: Record, settings: CorpusSettings, *, empty_ok: bool = False) -> Document:
    """Return `record` as a document. Raises ValueError with the problem if the record is bad."""
    if record.problem:
        raise ValueError(record.problem)
    values = record.values
    id_name = _name(values, settings.id_field, DOCUMENTS.ids, "id")
    title_name = _name(
        values, settings.title_field, DOCUMENTS.titles, "title", required=settings.title_field is not None
    )
    text_names = _text_names(values, settings)
    title = _text(values, title_name) if title_name else ""
    numbers = settings.text_field is not None  # a column of numbers is accepted as text if it was named
    parts = (_text(values, name, numbers=numbers) for name in text_names)
    text = "\n".join(part for part in parts if part)
    if not empty_ok and not text.strip() and not title.strip():
        raise ValueError(f"the text is empty ({', '.join(text_names)}); expected a text or a title")
    used = {id_name, title_name, *text_names}
    kept = [name for name in values if name not in used] if settings.fields is None else _split_names(settings.fields)
    fields = {clean(name): _clean_value(values[name]) for name in kept if name in values}
    fields = {name: value for name, value in fields.items() if value is not None}
    return Document(_doc_id(values[id_name]), clean(text), clean(title), fields)


def _name(
    values: Mapping[str, Any], given: str | None, usual: Sequence[str], what: str, *, required: bool = True
) -> str:
    names = list(values)
    found = find_column(names, usual if given is None else [given])
    if found is None and required:
        wanted = repr(given) if given is not None else f"any of {', '.join(usual[:_USUAL])} …"
        raise ValueError(
            f"no {what}: expected {wanted} but found {shown(names)}; name the right one with `{what}_field`"
        )
    return found or ""


def _text_names(values: Mapping[str, Any], settings: CorpusSettings) -> list[str]:
    if settings.text_field is None:
        return [_name(values, None, DOCUMENTS.texts, "text")]
    if settings.text_field in values:  # the name itself contains a comma
        return [settings.text_field]
    return [_name(values, name, (), "text") for name in _split_names(settings.text_field)]


def _split_names(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _text(values: Mapping[str, Any], name: str, *, numbers: bool = True) -> str:
    value = values[name]
    if value is None or (isinstance(value, float) and math.isnan(value)):  # pandas writes NaN for a missing value
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name!r} is {_type_name(value)}; expected a text")
    if not numbers:
        raise ValueError(f"{name!r} is {_type_name(value)}; expected a text, or name it with `text_field`")
    return str(value)


def _doc_id(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"the id is {_type_name(value)}; expected a text or a whole number")
    doc_id = clean(str(value))
    if not doc_id.strip():
        raise ValueError("the id is empty; expected a text or a whole number")
    return doc_id


def _type_name(value: object) -> str:
    if isinstance(value, list | tuple):
        return "a list" if all(isinstance(part, str) for part in value) else "a list with values other than texts"
    kinds = {"dict": "an object", "NoneType": "null", "bool": "true or false", "float": "a fraction"}
    kinds |= {"int": "a number", "bytes": "binary"}
    return kinds.get(type(value).__name__, f"a {type(value).__name__}")


def _clean_value(value: object, depth: int = 0) -> object:
    """Return `value` with JSON types only, without lone surrogates, NaN or infinity.

    Raises ValueError if it is nested too deep.
    """
    if depth > _DEPTH:
        raise ValueError(f"nested more than {_DEPTH} deep; expected a flat record")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(name)): _clean_value(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_value(member, depth + 1) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float) or value is None else clean(str(value))


def _error_text(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
