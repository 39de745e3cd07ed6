"""Turn the records of a corpus into documents, or report why one was left out."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import isfinite, isnan
from pathlib import Path
from typing import Any
from uuid import UUID

from resift.indexer.corpora.columns import find_column, shown, split_names
from resift.indexer.corpora.json_values import json_value
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.record import Record
from resift.indexer.corpora.settings import TITLE_FIELDS, CorpusSettings
from resift.indexer.corpora.skipped import SkipReport
from resift.indexer.corpora.usual_names import DOCUMENTS
from resift.retrieval.errors import CorpusError
from resift.retrieval.text import clean
from resift.retrieval.text_lines import STANDARD_INPUT
from resift.retrieval.types import Document

_SKIP_HINT = "indexing with `skip_bad` leaves bad records out"
_MOST_DIGITS = 10**38  # of a decimal that is an id
_USUAL = 5  # usual names in a message, at most


class _NoSuchField(ValueError):
    """A record has no field with a name that the settings give, as a misspelt name has none in every record."""


class MissingIds:
    """Ids for the records of a source without ids: the file's name and the record's line or number in it.

    Only if the first good record has none; a later one without an id, among records that have one, is bad.
    """

    def __init__(self, source: str, reading: Reading, *, allowed: bool = True) -> None:
        """Make the ids of files below the folder `source` different; `reading` gets one note if ids are made.

        If ids are not `allowed` to be made, a record without one is bad.
        """
        self._source = source
        self._is_folder = Path(source).is_dir()
        self._reading = reading
        self.allowed = allowed
        self._made: bool | None = None if allowed else False

    def id_of(self, record: Record) -> str | None:
        """Return an id for `record`; None if ids are not made."""
        place = record.number or record.line
        if self._made is False or place is None:
            return None
        name = "stdin" if record.path == STANDARD_INPUT else Path(record.path).name
        if self._is_folder:
            name = Path(record.path).relative_to(self._source).as_posix()
        made = re.sub(r"\s", "_", f"{name}:{place}")
        if self._made is None:
            there = shown(list(record.values))
            self._reading.note(
                f"{self._source}: no id was found in {there}, so ids were made of the file's name and the line or "
                f"number, such as {made}; `id_field` names the right one"
            )
        return made

    def settle(self, *, made: bool) -> None:
        """Keep whether the first good record had its own id."""
        if self._made is None:
            self._made = made


def to_documents(
    records: Iterable[Record],
    settings: CorpusSettings,
    skipped: SkipReport,
    ids: MissingIds,
    *,
    empty_ok: bool = False,
    unique: bool = True,
) -> Iterator[Document]:
    """Yield a document for each record; a record without text is bad unless `empty_ok`.

    With `unique`, a second record with the same id is bad; the ids are kept in memory, about 100 bytes each. Raises
    CorpusError at the first bad record unless `settings.skip_bad`, and if all records are bad.
    """
    seen: set[str] = set()
    source, found, good = "", False, False
    for record in records:
        if record.ignored:
            skipped.add(record, f"{record.ignored} files are not documents")
            continue
        source, found = record.path, True
        try:
            document = to_document(record, settings, ids, empty_ok=empty_ok)
            if document.doc_id in seen:
                raise ValueError(
                    f"the id {document.doc_id!r} was already used by an earlier record; expected each id once"
                )
        except ValueError as error:
            if not settings.skip_bad:
                hint = "" if isinstance(error, _NoSuchField) and not good else f" ({_SKIP_HINT})"
                raise CorpusError(f"{error}{hint}", record.path, record.line) from None
            skipped.add(record, str(error))
            continue
        good = True
        if unique:
            seen.add(document.doc_id)
        yield document
    if found and not good:
        raise CorpusError(f"every record is bad: {skipped}; correct them, or name the fields to read", source)


def to_document(record: Record, settings: CorpusSettings, ids: MissingIds, *, empty_ok: bool = False) -> Document:
    """Return `record` as a document. Raises ValueError with the problem if the record is bad."""
    if record.problem:
        raise ValueError(record.problem)
    values = record.values
    id_name, title_name, text_names = _roles(tuple(values), settings)
    made = ids.id_of(record) if id_name is None and settings.id_field is None else None
    if id_name is None and made is None:
        raise _missing(values, settings.id_field, DOCUMENTS.ids, "id")
    if settings.title_field is None and title_name not in (None, *TITLE_FIELDS) and type(values[title_name]) is not str:
        title_name = None  # a list of headings, or an object of another meaning
    title = _text(values, title_name) if title_name else ""
    if record.texts and not ids.allowed:  # an addition: it must not replace a product by its price
        raise _missing(values, None, DOCUMENTS.texts, "text")
    text = _joined(values, record.texts) if record.texts else _body(values, text_names, settings)
    if not empty_ok and not text.strip() and not title.strip():
        raise ValueError(_no_text(values, record.texts or text_names))
    doc_id = _doc_id(values[id_name]) if id_name is not None else str(made)
    ids.settle(made=made is not None)
    used = {id_name, title_name, *text_names}
    kept = [name for name in values if name not in used] if settings.fields is None else split_names(settings.fields)
    fields = {clean(name): json_value(values[name]) for name in kept if name in values}
    fields = {name: value for name, value in fields.items() if value is not None}
    return Document(doc_id, clean(text), clean(title), fields)


@functools.lru_cache(maxsize=256)
def _roles(names: tuple[str, ...], settings: CorpusSettings) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return the (id, title, texts) among the `names` of a record; None or () for what is not there.

    Raises ValueError if a name that the settings give is not there.
    """
    values = dict.fromkeys(names)
    id_name = find_column(names, [settings.id_field] if settings.id_field is not None else DOCUMENTS.ids)
    title_name = find_column(names, [settings.title_field] if settings.title_field is not None else DOCUMENTS.titles)
    if settings.title_field is not None and title_name is None:
        raise _missing(values, settings.title_field, (), "title")
    if settings.text_field is None:
        usual = find_column(names, DOCUMENTS.texts)
        return id_name, title_name, () if usual is None else (usual,)
    if settings.text_field in values:  # the name itself contains a comma
        return id_name, title_name, (settings.text_field,)
    texts = []
    for wanted in split_names(settings.text_field):
        found = find_column(names, [wanted])
        if found is None:
            raise _missing(values, wanted, (), "text")
        texts.append(found)
    return id_name, title_name, tuple(texts)


def _missing(values: Mapping[str, Any], given: str | None, usual: Sequence[str], what: str) -> ValueError:
    wanted = repr(given) if given is not None else f"any of {', '.join(usual[:_USUAL])} …"
    message = f"no {what}: expected {wanted} but found {shown(list(values))}; name the right one with `{what}_field`"
    return ValueError(message) if given is None else _NoSuchField(message)


def _no_text(values: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return what to say of a record whose text is empty, or is made of columns without a letter."""
    shown_names = ", ".join(names)
    if any(str(values[name] or "").strip() for name in names):
        return f"no column has a text ({shown_names}): no letter is in it; name the text with `text_field`"
    return f"the text is empty ({shown_names}); expected a text or a title"


def _body(values: Mapping[str, Any], names: Sequence[str], settings: CorpusSettings) -> str:
    if not names:
        raise _missing(values, None, DOCUMENTS.texts, "text")
    numbers = settings.text_field is not None  # a column of numbers is accepted as text if it was named
    parts = (_text(values, name, numbers=numbers) for name in names)
    return "\n".join(part for part in parts if part)


def _joined(values: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the cells of a table that have a letter, one per line."""
    cells = (str(values[name]).strip() for name in names)
    return "\n".join(cell for cell in cells if any(character.isalpha() for character in cell))


def _text(values: Mapping[str, Any], name: str, *, numbers: bool = True) -> str:
    value = _decoded(values[name])
    if value is None or (isinstance(value, float | Decimal) and isnan(value)):  # so pandas writes a missing value
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"{name!r} is {_type_name(value)}; expected a text")
    if not numbers:
        raise ValueError(f"{name!r} is {_type_name(value)}; expected a text, or name it with `text_field`")
    return str(value)


def _doc_id(value: Any) -> str:  # noqa: ANN401 - a value of any source
    """Return an id as a text; a whole number may also be a float or a decimal, as pandas and databases write it."""
    value = _decoded(value)
    if isinstance(value, dict) and set(value) == {"$oid"}:  # MongoDB's export
        value = value["$oid"]
    if isinstance(value, float | Decimal) and isfinite(value) and -_MOST_DIGITS < value < _MOST_DIGITS:
        value = int(value) if value == int(value) else value
    if isinstance(value, bool) or not isinstance(value, str | int | UUID):
        raise ValueError(f"the id is {_type_name(value)}; expected a text or a whole number")
    doc_id = clean(str(value))
    if not doc_id.strip():
        raise ValueError("the id is empty; expected a text or a whole number")
    return doc_id


def _decoded(value: Any) -> Any:  # noqa: ANN401 - a value of any source
    """Return bytes as the text that they are in UTF-8, as which Hive and Impala store texts in Parquet."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _type_name(value: object) -> str:
    if isinstance(value, list | tuple):
        return "a list" if all(isinstance(part, str) for part in value) else "a list with values other than texts"
    kinds = {"dict": "an object", "NoneType": "null", "bool": "true or false", "float": "a fraction"}
    kinds |= {"int": "a number", "bytes": "binary", "Decimal": "a fraction"}
    return kinds.get(type(value).__name__, f"a {type(value).__name__}")
