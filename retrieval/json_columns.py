"""Read runs and qrels that are JSON: one object {query: {document: number}}, or objects with three members."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from resift.retrieval.columns import Row, Shape, find_places
from resift.retrieval.errors import CorpusError

_BEGIN = re.compile(r'\s*(?:\{\s*"[^"]*"\s*:|\[\s*[\[{"\]]|[\[{]\s*\}?\s*$)')


def is_json(path: str | Path, first: str) -> bool:
    """Return whether a file is JSON, by its name or by its first line that is not blank."""
    name = str(path).lower().removesuffix(".gz")
    return name.endswith((".json", ".jsonl", ".ndjson")) or _BEGIN.match(first) is not None


def read_json(lines: Sequence[tuple[int, str]], path: str | Path, shape: Shape) -> Iterator[Row]:
    """Yield a row for each entry of JSON: {query: {document: number}}, a list of objects, or one object per line.

    The members of an object have the names of a header row, for example query-id, corpus-id and score. Raises
    CorpusError.
    """
    try:
        found = _load("".join(text for _, text in lines), path)
    except ValueError:
        for line, text in lines:
            try:
                entry = _load(text, path)
            except ValueError:
                raise CorpusError(f"is not {shape.json}", path, None if line == lines[0][0] else line) from None
            yield _entry(entry, path, line, shape)
        return
    if isinstance(found, list) and found:
        for entry in found:
            yield _entry(entry, path, None, shape)
    elif isinstance(found, dict) and find_places(list(found), shape) is not None:
        yield _entry(found, path, lines[0][0], shape)
    else:
        yield from _nested(found, path, shape)


def _nested(found: object, path: str | Path, shape: Shape) -> Iterator[Row]:
    if not isinstance(found, dict) or not all(isinstance(documents, dict) for documents in found.values()):
        raise CorpusError(f"is not {shape.json}", path)
    for query_id, documents in found.items():
        for doc_id, number in documents.items():
            yield Row(None, query_id, doc_id, str(number))


def _entry(entry: object, path: str | Path, line: int | None, shape: Shape) -> Row:
    places = find_places(list(entry), shape) if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or places is None:
        raise CorpusError(f"is not {shape.json}", path, line)
    query, document, number = (list(entry.values())[place] for place in places)
    for name in (query, document):
        if isinstance(name, bool) or not isinstance(name, str | int):
            raise CorpusError(f"the id {name!r} is neither a text nor a whole number", path, line)
    return Row(line, str(query), str(document), str(number))


def _load(text: str, path: str | Path) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of `text`. Raises ValueError if it is not JSON, and CorpusError on a key that is there twice."""
    try:
        return json.loads(text, object_pairs_hook=_reject_duplicate_keys)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except _DuplicateKeyError as error:
        raise CorpusError(f"has {error} twice in one object; expected each query and document once", path) from None


class _DuplicateKeyError(ValueError):
    """A key occurs twice in one JSON object; Python would silently keep the last value."""


def _reject_duplicate_keys(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        raise _DuplicateKeyError(repr(next(name for name in names if names.count(name) > 1)))
    return found
