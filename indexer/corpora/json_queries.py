"""Read queries that are JSON: an array of texts or objects, an object per line, or an object {id: text}."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resift.indexer.corpora.columns import find_column, shown
from resift.indexer.corpora.json_text import parse_object
from resift.indexer.corpora.query_fields import FoundQuery, to_query
from resift.indexer.corpora.query_settings import QuerySettings
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.usual_names import QUERIES
from resift.retrieval.errors import CorpusError

_EXPECTED = 'expected an array, or an object per line, of queries such as {"id": "1", "text": "…"}'
_ARRAYS = ("queries", "topics", "questions", "data")
_TURNS = ("turn", "turns", "conversation", "dialog", "dialogue", "utterances")


def read_json_queries(
    lines: Sequence[tuple[int, str]], path: str, settings: QuerySettings, reading: Reading, hint: str = ""
) -> Iterator[FoundQuery]:
    """Yield the queries of a JSON text, given as (line, text without line break); `hint` ends errors of its syntax.

    It is an array of texts or objects, one object per line, an object with such an array as `queries` or `topics`, or
    an object whose names are ids and whose values are texts or objects; `reading` gets a note on a text for each id.
    Raises CorpusError.
    """
    if len(lines) > 1 and not parse_object(lines[0][1])[1]:
        yield from _lines(lines, path, settings, hint)
        return
    try:
        whole = json.loads("\n".join(text for _, text in lines))
    except (ValueError, RecursionError):
        yield from _lines(lines, path, settings, hint)  # which reports the first line that is not an object
        return
    if isinstance(whole, dict):
        yield from _of_object(whole, path, settings, reading)
    elif isinstance(whole, list):
        yield from _of_array(whole, path, settings)
    else:
        raise CorpusError(f"is neither an array nor an object; {_EXPECTED}", path)


def _lines(lines: Sequence[tuple[int, str]], path: str, settings: QuerySettings, hint: str) -> Iterator[FoundQuery]:
    for line, text in lines:
        values, problem = parse_object(text)
        if problem:
            raise CorpusError(f"{problem}{hint}", path, line)
        yield _of_values(values, path, line, "", settings)


def _of_array(found: Sequence[Any], path: str, settings: QuerySettings) -> Iterator[FoundQuery]:
    for number, member in enumerate(found, start=1):
        if isinstance(member, str):
            yield FoundQuery(None, None, member)
        elif isinstance(member, dict):
            yield _of_values(member, path, None, f"query {number}: ", settings)
        else:
            raise CorpusError(f"query {number} is neither a text nor an object; {_EXPECTED}", path)


def _of_object(whole: Mapping[str, Any], path: str, settings: QuerySettings, reading: Reading) -> Iterator[FoundQuery]:
    texts = [settings.query_field] if settings.query_field else QUERIES.texts
    arrays = find_column(list(whole), _ARRAYS)
    if find_column(list(whole), [*texts, *([settings.query_id_field] if settings.query_id_field else QUERIES.ids)]):
        yield _of_values(whole, path, 1, "", settings)
    elif arrays is not None and isinstance(whole[arrays], list):
        yield from _of_array(whole[arrays], path, settings)
    elif whole and all(isinstance(value, str) for value in whole.values()):
        reading.note(f"{path}: its {len(whole)} names were read as the ids of queries, and their values as the texts")
        yield from (FoundQuery(None, query_id, text) for query_id, text in whole.items())
    elif whole and all(isinstance(value, dict) and find_column(list(value), texts) for value in whole.values()):
        for query_id, values in whole.items():
            yield _of_values(values, path, None, f"query {query_id!r}: ", settings)._replace(query_id=query_id)
    else:
        raise CorpusError(f"is an object with {shown(list(whole))}; {_EXPECTED}", path)


def _of_values(
    values: Mapping[str, Any], path: str, line: int | None, place: str, settings: QuerySettings
) -> FoundQuery:
    turns = find_column(list(values), _TURNS)
    if turns is not None and isinstance(values[turns], list):
        message = f"{place}a conversation (it has {turns!r}), not a query; write one query per turn, with its own id"
        raise CorpusError(message, path, line)
    try:
        return to_query(values, line, settings)
    except ValueError as error:
        raise CorpusError(f"{place}{error}", path, line) from None
