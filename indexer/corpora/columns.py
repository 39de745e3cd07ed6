"""Which columns of a table are the id, the title and the text: by their names, or by position without a header row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resift.indexer.corpora.settings import ID_FIELDS, TEXT_FIELDS, TITLE_FIELDS, CorpusSettings
from resift.retrieval.errors import CorpusError

_LONGEST_NAME = 40  # characters of a column's name in a table whose first row may also be data
_MOST_WORDS = 4
_NUMBER = re.compile(r"[+-]?[\d.,' ]*\d%?")
_NAMES_SHOWN = 20  # column names in a message, at most


@dataclass(frozen=True, slots=True)
class Roles:
    """The usual names of the columns of a table, best first, and what its columns are if it has no header row.

    `by_count` maps a number of columns to their names in such a table. With `joins_others`, the text of a table that
    has no column with a usual name for it is all columns that are neither the id nor the title.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    texts: tuple[str, ...]
    by_count: Mapping[int, tuple[str, ...]]
    joins_others: bool = False

    def knows(self, name: str) -> bool:
        """Return whether `name` is a usual name; case does not matter, and blanks and hyphens count as underscores."""
        wanted = _normal(name)
        return any(wanted == _normal(usual) for names in (self.ids, self.titles, self.texts) for usual in names)


DOCUMENTS = Roles(
    ids=(
        *ID_FIELDS,
        *("pid", "passage_id", "document_id", "article_id", "corpus_id", "uuid", "uid"),
        *("nr", "nummer", "artikelnummer", "dokument_id", "kennung"),
    ),
    titles=(
        *TITLE_FIELDS,
        "headline",
        "heading",
        "titel",
        "überschrift",
        "betreff",
        "subject",
        *("product_name", "produktname", "artikelname", "artikelbezeichnung", "bezeichnung"),
    ),
    texts=(
        *TEXT_FIELDS,
        *("page_content", "segment", "paragraph", "chunk", "document", "abstract", "description", "summary"),
        *("product_description", "inhalt", "beschreibung", "produktbeschreibung", "artikelbeschreibung"),
        *("langtext", "volltext", "textkörper", "absatz"),
    ),
    by_count={1: ("text",), 2: ("id", "text"), 3: ("id", "title", "text"), 4: ("id", "url", "title", "text")},
    joins_others=True,
)
"""Columns of documents. MS MARCO's files have no header row: id and text, or id, url, title and text."""

QUERIES = Roles(
    ids=("_id", "query_id", "qid", "id", "topic_id", "topic", "number", "num", *ID_FIELDS, "uid", "nr", "nummer"),
    titles=(),
    texts=("text", "query", "question", "query_text", "title", *TEXT_FIELDS, "anfrage", "suchanfrage", "frage"),
    by_count={1: ("text",), 2: ("id", "text")},
)
"""Columns of queries."""


@dataclass(frozen=True, slots=True)
class Header:
    """The names of a table's columns; `is_data` if its first row is data, and a `note` on what was assumed.

    `texts` are the columns that are read together as the text, if none has a usual name for it.
    """

    names: tuple[str, ...]
    is_data: bool = False
    note: str = ""
    texts: tuple[str, ...] = ()


def find_column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the first of `wanted` that is one of `names`, as it is written there; None if there is none.

    A name that is equal counts before one that differs in case, or has blanks or hyphens instead of underscores.

    >>> find_column(["Titel", "Doc-ID", "Text"], ["_id", "doc_id", "docid"])
    'Doc-ID'
    """
    exact = next((name for name in wanted if name in names), None)
    if exact is not None:
        return exact
    there = {_normal(name): name for name in reversed(names)}
    return next((there[_normal(name)] for name in wanted if _normal(name) in there), None)


def read_header(row: Sequence[str], roles: Roles, settings: CorpusSettings, *, quoted: bool) -> Header:
    """Return the header of a table whose first row is `row`.

    The first row is a header row if it has a column that the settings name, or usual names (of a table without quotes:
    two of them, or one beside others that look like names). In another table, the columns are those that
    `settings.columns` names, else those that `roles` has for their number; a table with quotes must then have a first
    row that cannot be names. Raises CorpusError if the columns remain unknown, or if two have the same name.
    """
    names = [cell.strip() for cell in row]
    if settings.columns:
        return _given(names, settings.columns)
    if _is_header(names, roles, settings, quoted=quoted):
        return _with_texts(_unique(names), roles, settings)
    assumed = roles.by_count.get(len(names))
    if assumed is None or (quoted and not _is_surely_data(names)):
        raise CorpusError(
            f"the first row has none of the usual names of columns ({', '.join(roles.ids[:4])}, "
            f"{', '.join(roles.texts[:4])} …) but {shown(names)}; if it is a header row, name its columns with "
            "`id_field` and `text_field`, else name the columns with `columns`, such as id,title,text"
        )
    what = "column was" if len(names) == 1 else f"{len(names)} columns were"
    note = f"has no header row that is known, so its {what} read as {', '.join(assumed)}; `columns` names others"
    return Header(assumed, is_data=True, note=note)


def split_names(names: str | None) -> list[str]:
    """Return the names in a setting, separated by commas; empty if it is not set.

    >>> split_names("title, text"), split_names(None)
    (['title', 'text'], [])
    """
    return [name.strip() for name in (names or "").split(",") if name.strip()]


def shown(names: Sequence[str]) -> str:
    """Return the names of columns for a message, quoted and cut to a bounded length; "nothing" if there are none."""
    return ", ".join(repr(str(name)[:40]) for name in names[:_NAMES_SHOWN]) or "nothing"


def _with_texts(names: tuple[str, ...], roles: Roles, settings: CorpusSettings) -> Header:
    """Return the header with all other columns as the text, if no column is known as the text."""
    id_name = settings.id_field or find_column(names, roles.ids)
    if id_name is None and names[0] == _column_name(1):  # pandas writes its index as a first column without a name
        names, id_name = ("id", *names[1:]), "id"
    if settings.text_field is not None or not roles.joins_others or find_column(names, roles.texts):
        return Header(names)
    title_name = settings.title_field or find_column(names, roles.titles)
    used = [find_column(names, [name]) for name in (id_name, title_name) if name]
    texts = tuple(name for name in names if name not in used)
    if not texts:
        return Header(names)
    note = f"has no column with a usual name for the text, so it is {', '.join(texts)}; `text_field` names others"
    return Header(names, note=note, texts=texts)


def _given(names: Sequence[str], columns: str) -> Header:
    given = [name.strip() for name in columns.split(",")]
    if len(given) != len(names):
        raise CorpusError(f"the first row has {len(names)} columns, but `columns` names {len(given)}: {shown(given)}")
    is_header = [_normal(name) for name in names] == [_normal(name) for name in given]
    return Header(_unique(given), is_data=not is_header)


def _is_header(names: Sequence[str], roles: Roles, settings: CorpusSettings, *, quoted: bool) -> bool:
    named = [settings.id_field, settings.title_field, settings.text_field]
    wanted = [name for name in named if name] + split_names(settings.text_field)
    if find_column(names, wanted):
        return True
    known = sum(roles.knows(name) for name in names)
    if quoted:
        return known > 0
    return known > 1 or (known == 1 and all(_looks_like_a_name(name) for name in names))


def _looks_like_a_name(cell: str) -> bool:
    short = len(cell) <= _LONGEST_NAME and len(cell.split()) <= _MOST_WORDS
    return short and not _NUMBER.fullmatch(cell) and not cell.endswith((".", "!", "?"))


def _is_surely_data(cells: Sequence[str]) -> bool:
    """Return whether a first row cannot be names of columns: it has a number, or a cell as long as a sentence."""
    return any(_NUMBER.fullmatch(cell) or len(cell) > 2 * _LONGEST_NAME for cell in cells)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return `names` with one for each column that has none. Raises CorpusError if a name occurs twice."""
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise CorpusError(f"the header row has {', '.join(map(repr, twice))} twice; expected each column once")
    return tuple(name or _column_name(place) for place, name in enumerate(names, start=1))


def _column_name(place: int) -> str:
    return f"column {place}"


def _normal(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip()).casefold()
