"""Read corpora that are JSON: one object per line, an array of objects, or an object that has such an array.

An array is read element by element, so that only one element is in memory; of an object that has one, all is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from resift.indexer.corpora.columns import find_column, split_names
from resift.indexer.corpora.json_text import JsonText, json_type, parse_object
from resift.indexer.corpora.lines import Line, numbered_lines
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.record import Record
from resift.indexer.corpora.settings import CorpusSettings
from resift.indexer.corpora.usual_names import DOCUMENTS
from resift.retrieval.errors import CorpusError

_EXCERPT = 500  # characters of a bad record
_DEEPEST = 3  # objects around an array of objects


def read_json(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each object of a JSON file. Raises CorpusError as `read_objects` and `open_bytes` do."""
    with closing(numbered_lines(path, settings.encoding, reading)) as lines:
        yield from read_objects(lines, path, settings)


def read_objects(lines: Iterable[Line], path: str, settings: CorpusSettings) -> Iterator[Record]:
    """Yield a record for each object in `lines`, which are JSON lines or JSON documents, as the first line shows.

    A document begins with a bracket, or with a line that is not complete. In an object of a document, the records are
    the objects of its only array of objects, or its members if all are objects; their names are then the ids. Of an
    object with `_source`, as engines return it, the record is what is in there.

    Raises CorpusError if a document is not valid JSON, or has several arrays of objects.
    """
    rest = iter(lines)
    first = next((line for line in rest if line[1].strip()), None)
    if first is None:
        return
    second = next((line for line in rest if line[1].strip()), None)
    begin = [first] if second is None else [first, second]
    if _is_document(*(text.strip() for _, text, _ in begin)):
        yield from _document_records(JsonText(itertools.chain(begin, rest), path), path, settings)
        return
    values = {} if first[2] else parse_object(first[1])[0]
    if second is None and _has_members(values, settings):
        yield from _object_records(values, path, first[0], settings)
        return
    for number, line, problem in itertools.chain(begin, rest):
        if line.strip() or problem:
            values, problem = ({}, problem) if problem else parse_object(line)
            yield Record(path, number, unwrapped(values), problem, line[:_EXCERPT])


def _is_document(first: str, second: str = "") -> bool:
    """Return whether the first lines that are not blank begin one array, or one object over several lines."""
    if first.startswith("[") or first.endswith("["):
        return True
    return first.endswith(("{", ",")) and second.startswith(('"', "}", "]"))


def _document_records(document: JsonText, path: str, settings: CorpusSettings) -> Iterator[Record]:
    """Yield the records of the arrays and objects in `document`, one after the other."""
    while first := document.next_character():
        line = document.line
        if first == "[":
            document.skip_character()
            yield from _elements(document, path)
            continue
        value, problem = document.value()
        if problem or not isinstance(value, dict):
            yield Record(path, line, {}, problem or f"{json_type(value)}; expected an array of objects")
        else:
            yield from _object_records(value, path, line, settings)


def _elements(document: JsonText, path: str) -> Iterator[Record]:
    number = 0
    while (character := document.next_character()) != "]":
        line = document.line
        if not character:
            raise CorpusError("the array does not end; is the file complete?", path, line)
        if character == ",":
            document.skip_character()
            continue
        number += 1
        value, problem = document.value()
        if not problem and not isinstance(value, dict):
            problem = f"element {number} of the array is {json_type(value)}; expected an object"
        yield Record(path, line, {} if problem else unwrapped(value), problem, number=number)
    document.skip_character()


def _object_records(values: Mapping[str, Any], path: str, line: int, settings: CorpusSettings) -> Iterator[Record]:
    """Yield the records in an object of a document: its members, or itself."""
    try:
        members = _members(values, settings, _DEEPEST)
    except ValueError as error:
        raise CorpusError(str(error), path, line) from None
    if members is None:
        yield Record(path, line, unwrapped(values))
        return
    for number, member in enumerate(members, start=1):
        yield Record(path, line, unwrapped(member), number=number)


def _has_members(values: Mapping[str, Any], settings: CorpusSettings) -> bool:
    try:
        return _members(values, settings, _DEEPEST) is not None
    except ValueError:
        return True


def _members(values: Mapping[str, Any], settings: CorpusSettings, depth: int) -> list[Mapping[str, Any]] | None:
    """Return the objects in `values` that are records; None if it is one itself. Raises ValueError if it is unclear."""
    if find_column(list(values), _text_names(settings)) or not depth or isinstance(values.get("_source"), dict):
        return None
    arrays = {name: found for name, found in values.items() if isinstance(found, list) and _are_objects(found)}
    if len(arrays) > 1:
        names = ", ".join(map(repr, arrays))
        raise ValueError(f"an object with several arrays of objects ({names}); expected one, or one object per line")
    if arrays:
        return next(iter(arrays.values()))
    inner = [_members(found, settings, depth - 1) for found in values.values() if isinstance(found, dict)]
    deeper = [found for found in inner if found is not None]
    if len(deeper) == 1 and deeper[0]:
        return deeper[0]
    if values and _are_objects(list(values.values())):
        return [{"id": name, **found} for name, found in values.items()]
    return None


def _text_names(settings: CorpusSettings) -> list[str]:
    return split_names(settings.text_field) or list(DOCUMENTS.texts)


def _are_objects(found: list[Any]) -> bool:
    return bool(found) and all(isinstance(member, dict) for member in found)


def unwrapped(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is in `_source` of a hit of an engine, or of its dump, with the hit's `_id`; else `values`."""
    source = values.get("_source")
    if not isinstance(source, dict) or "_id" not in values:
        return values
    return {"_id": values["_id"], **source}
