"""One record of a corpus, what may be wrong with it, and how it becomes a document."""

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

from resift.indexer.corpora.settings import ID_FIELDS, TEXT_FIELDS, TITLE_FIELDS, CorpusSettings
from resift.retrieval.errors import CorpusError
from resift.retrieval.text import clean
from resift.retrieval.types import Document

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")
_EXCERPT = 200  # characters of a bad record that its report repeats
_DEPTH = 100  # how deep lists and objects may lie in one another; far below where Python's own recursion ends
_SKIP_HINT = "`resift index --skip-bad` leaves bad records out"
_NAMES = 20  # column names that a message repeats at most


@dataclass(frozen=True, slots=True)
class Record:
    """What a reader found at one place: `values` by column or key, or the `problem` why there are none.

    `aside` marks what is no record at all, such as an image among texts: counted as left out, never an error.
    """

    path: str
    line: int | None
    values: Mapping[str, Any]
    problem: str = ""
    excerpt: str = ""
    aside: bool = False


class SkipReport:
    """Counts the records that were left out, by reason, and writes one JSON line each where a file is given."""

    def __init__(self, file: IO[str] | None = None) -> None:
        """Write to `file`, or only count where it is None."""
        self.reasons: Counter[str] = Counter()
        self._file = file
        self._begun = False

    @classmethod
    @contextmanager
    def opened(cls, settings: CorpusSettings) -> Iterator[SkipReport]:
        """Yield a report that writes to the file that `settings` name. Raises CorpusError where it cannot."""
        if not settings.skipped_file:
            yield cls()
            return
        try:
            file = open(settings.skipped_file, "a", encoding="utf-8")  # noqa: SIM115 - emptied by `begin`
        except (OSError, ValueError) as error:
            raise CorpusError(f"cannot be written: {_reason(error)}", settings.skipped_file) from None
        try:
            yield cls(file)
        finally:
            with suppress(OSError):  # each record was flushed; what cannot be closed was told by then
                file.close()

    @property
    def count(self) -> int:
        """How many records were left out."""
        return sum(self.reasons.values())

    def begin(self, source: str) -> None:
        """Empty the file of an earlier report. Raises CorpusError where that file is the corpus itself."""
        name = getattr(self._file, "name", None)
        if self._file is None or self._begun or not isinstance(name, str):
            return
        self._begun = True
        with suppress(OSError, ValueError):  # no such file: then it is another one
            inside = os.path.isdir(source) and Path(os.path.realpath(name)).is_relative_to(os.path.realpath(source))
            if inside or os.path.samefile(source, name):
                raise CorpusError(f"{name} belongs to the corpus; name another file for the records left out", source)
        if os.path.isfile(name):  # a device or a pipe has nothing to empty
            self._file.truncate(0)

    def add(self, record: Record, reason: str) -> None:
        """Count one record, and write where it stands and why it was left out."""
        self.reasons[_QUOTED.sub("…", reason.split(";")[0])] += 1
        if self._file is not None:
            excerpt = record.excerpt or json.dumps(dict(record.values), ensure_ascii=False, default=str)
            row = {"path": record.path, "line": record.line, "reason": reason, "record": excerpt[:_EXCERPT]}
            try:
                self._file.write(clean(json.dumps(row, ensure_ascii=False)) + "\n")
                self._file.flush()
            except OSError as error:
                raise CorpusError(f"cannot be written: {_reason(error)}", self._file.name) from None

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
    """Yield a document for each record; one without any text is bad, unless `empty_ok`.

    Raises CorpusError at the first bad record and, if they must be `unique`, at the second use of an id, unless the
    settings skip them; and where not one good record was found. To be unique, ids are kept in memory, about 100 bytes
    each.
    """
    seen: set[str] = set()
    source, found, good, report = "", False, False, skipped or SkipReport()
    for record in records:
        if record.aside:
            report.add(record, record.problem)
            continue
        source, found = record.path, True
        try:
            document = to_document(record, settings, empty_ok=empty_ok)
            if document.doc_id in seen:
                raise ValueError(f"the id {document.doc_id!r} stands here for the second time; expected each id once")
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
        raise CorpusError(f"no good record is left: {report}", source)


def to_document(record: Record, settings: CorpusSettings, *, empty_ok: bool = False) -> Document:
    """Return the document of one record. Raises ValueError that says what is wrong with it."""
    if record.problem:
        raise ValueError(record.problem)
    values = record.values
    id_name = _name(values, settings.id_field, ID_FIELDS, "id")
    title_name = _name(values, settings.title_field, TITLE_FIELDS, "title", required=settings.title_field is not None)
    text_names = _text_names(values, settings)
    title = _text(values, title_name) if title_name else ""
    numbers = settings.text_field is not None  # a column of numbers is text where it was asked for
    parts = (_text(values, name, numbers=numbers) for name in text_names)
    text = "\n".join(part for part in parts if part)
    if not empty_ok and not text.strip() and not title.strip():
        raise ValueError(f"the text is empty ({', '.join(text_names)}); expected a text or a title")
    used = {id_name, title_name, *text_names}
    kept = [name for name in values if name not in used] if settings.fields is None else _listed(settings.fields)
    fields = {clean(name): _clean_value(values[name]) for name in kept if name in values}
    fields = {name: value for name, value in fields.items() if value is not None}
    return Document(_doc_id(values[id_name]), clean(text), clean(title), fields)


def _name(
    values: Mapping[str, Any], given: str | None, usual: Sequence[str], what: str, *, required: bool = True
) -> str:
    if given is not None and given in values:
        return given
    found = None if given is not None else next((name for name in usual if name in values), None)
    if found is None and required:
        there = ", ".join(repr(name[:40]) for name in list(values)[:_NAMES]) or "nothing"
        wanted = repr(given) if given is not None else f"any of {', '.join(usual)}"
        raise ValueError(f"no {what}: expected {wanted} but found {there}; name the right one with --{what}-field")
    return found or ""


def _text_names(values: Mapping[str, Any], settings: CorpusSettings) -> list[str]:
    if settings.text_field is None:
        return [_name(values, None, TEXT_FIELDS, "text")]
    if settings.text_field in values:  # a name that holds a comma itself
        return [settings.text_field]
    return [_name(values, name, (), "text") for name in _listed(settings.text_field)]


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _text(values: Mapping[str, Any], name: str, *, numbers: bool = True) -> str:
    value = values[name]
    if value is None or (isinstance(value, float) and math.isnan(value)):  # what pandas writes for nothing
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name!r} is {_kind(value)}; expected a text")
    if not numbers:
        raise ValueError(f"{name!r} is {_kind(value)}; expected a text, or --text-field {name} if that is it")
    return str(value)


def _doc_id(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"the id is {_kind(value)}; expected a text or a whole number")
    doc_id = clean(str(value))
    if not doc_id.strip():
        raise ValueError("the id is empty; expected a text or a whole number")
    return doc_id


def _kind(value: object) -> str:
    if isinstance(value, list | tuple):
        return "a list" if all(isinstance(part, str) for part in value) else "a list that holds more than texts"
    kinds = {"dict": "an object", "NoneType": "null", "bool": "true or false", "float": "a fraction"}
    kinds |= {"int": "a number", "bytes": "binary"}
    return kinds.get(type(value).__name__, f"a {type(value).__name__}")


def _clean_value(value: object, depth: int = 0) -> object:
    """Return `value` as JSON can hold it: no lone surrogates, no NaN or infinity. Raises ValueError."""
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


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
