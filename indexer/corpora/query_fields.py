"""Find the id and the text of a query among named values: the columns of a table, or the members of an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from resift.indexer.corpora.columns import find_column, shown, split_names
from resift.indexer.corpora.query_settings import QuerySettings
from resift.indexer.corpora.usual_names import QUERIES


class FoundQuery(NamedTuple):
    """A query as it is in its file: its line (None if it is not known), its id (None if it has none) and its text."""

    line: int | None
    query_id: str | None
    text: str


def to_query(values: Mapping[str, Any], line: int | None, settings: QuerySettings) -> FoundQuery:
    """Return the query whose id and text are among `values`, by usual names or by those of `settings`.

    Raises ValueError with the problem if there is no text, or the id is neither a text nor a whole number.
    """
    query_id = _id(values, settings)
    return FoundQuery(line, query_id, " ".join(_texts(values, settings)))


def _id(values: Mapping[str, Any], settings: QuerySettings) -> str | None:
    wanted = [settings.query_id_field] if settings.query_id_field else QUERIES.ids
    name = find_column(list(values), wanted)
    value = None if name is None else values[name]
    if name is None and settings.query_id_field is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"no {_quoted(settings.query_id_field, '_id', 'id')} that is a text or a whole number")
    return str(value)


def _texts(values: Mapping[str, Any], settings: QuerySettings) -> list[str]:
    named = split_names(settings.query_field)
    wanted: list[Sequence[str]] = [[name] for name in named] or [QUERIES.texts]
    names = [find_column(list(values), one) for one in wanted]
    found = [None if name is None else values[name] for name in names]
    texts = [text for text in found if isinstance(text, str)]
    if len(texts) < len(found):
        has = f"; found {shown(list(values))}" if None in names else ""
        raise ValueError(f"no {_quoted(settings.query_field, 'text', 'query')} that is a text{has}")
    return texts


def _quoted(given: str | None, *usual: str) -> str:
    return " or ".join(f'"{name}"' for name in ((given,) if given else usual))
