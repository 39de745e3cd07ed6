"""Which columns of a table are the id, the title and the text: by their names, or by position without a header row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from resift.indexer.corpora.settings import CorpusSettings
from resift.indexer.corpora.usual_names import Roles, normal_name
from resift.retrieval.errors import CorpusError

_LONGEST_NAME = 40  # characters of a column's name in a table whose first row may also be data
_MOST_WORDS = 4
_NUMBER = re.compile(r"[+-]?[\d.,' ]*\d%?")
_PRICE = re.compile(r"(preis|price|prix|precio|prezzo|prijs)e?s?(in)?(eur|euro|usd|chf|netto|brutto|€)*")
_NAMES_SHOWN = 20  # column names in a message, at most


@dataclass(frozen=True, slots=True)
class Header:
    """The names of a table's columns; `is_data` if its first row is data, and a `note` on what was assumed.

    `texts` are the columns that are read together as the text, if none has a usual name for it. `unnamed` are the
    columns whose cell in the header row is empty.
    """

    names: tuple[str, ...]
    is_data: bool = False
    note: str = ""
    texts: tuple[str, ...] = ()
    unnamed: frozenset[str] = frozenset()


def find_column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the first of `wanted` that is one of `names`, as it is written there; None if there is none.

    A name that is equal counts before one that differs in case, accents, blanks, dots, hyphens and underscores.

    >>> find_column(["Titel", "Art.-Nr.", "Text"], ["_id", "doc_id", "artnr"])
    'Art.-Nr.'
    """
    exact = next((name for name in wanted if name in names), None)
    if exact is not None:
        return exact
    there = {normal_name(name): name for name in reversed(names)}
    return next((there[normal_name(name)] for name in wanted if normal_name(name) in there), None)


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
        unnamed = frozenset(_column_name(place) for place, name in enumerate(names, start=1) if not name)
        return _with_texts(_unique(names), unnamed, roles, settings)
    filled = [name for name in names if name]
    if len(filled) == 1 < len(names):
        raise CorpusError(
            f"the first row has the one cell {shown(filled)}, so it is not a header row; delete the rows above the one "
            "with the names of the columns"
            + (", or name all columns with `columns`, such as id,title,text" if roles.can_be_named else "")
        )
    assumed = roles.by_count.get(len(names))
    if assumed is None or (quoted and not _is_surely_data(names)):
        raise CorpusError(
            f"the first row has none of the usual names of columns ({', '.join(roles.ids[:4])}, "
            f"{', '.join(roles.texts[:4])} …) but {shown(names)}; "
            + (
                "if it is a header row, name its columns with `id_field` and `text_field`, else name the columns with "
                "`columns`, such as id,title,text"
                if roles.can_be_named
                else "give the file a header row with such names"
            )
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


def _with_texts(names: tuple[str, ...], unnamed: frozenset[str], roles: Roles, settings: CorpusSettings) -> Header:
    """Return the header with all other columns as the text, if no column is known as the text."""
    id_name = settings.id_field or find_column(names, roles.ids)
    if id_name is None and names[0] == _column_name(1):  # pandas writes its index as a first column without a name
        names, id_name, unnamed = ("id", *names[1:]), "id", unnamed - {names[0]}
    if settings.text_field is not None or not roles.joins_others or find_column(names, roles.texts):
        return Header(names, unnamed=unnamed)
    title_name = settings.title_field or find_column(names, roles.titles)
    used = [find_column(names, [name]) for name in (id_name, title_name) if name]
    others = tuple(name for name in names if name not in used and name not in unnamed)
    texts = tuple(name for name in others if not _is_price(name)) or others
    if not texts:
        return Header(names, unnamed=unnamed)
    note = f"has no column with a usual name for the text, so it is {', '.join(texts)}; `text_field` names others"
    return Header(names, note=note, texts=texts, unnamed=unnamed)


def _given(names: Sequence[str], columns: str) -> Header:
    given = [name.strip() for name in columns.split(",")]
    if len(given) != len(names):
        raise CorpusError(f"the first row has {len(names)} columns, but `columns` names {len(given)}: {shown(given)}")
    is_header = [normal_name(name) for name in names] == [normal_name(name) for name in given]
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


def _is_price(name: str) -> bool:
    """Return whether a column has prices, by its name, which are read as the text only if there is nothing else."""
    return any(_PRICE.fullmatch(normal_name(name), start) for start in range(len(normal_name(name))))


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return `names` with one for each column that has none. Raises CorpusError if a name occurs twice."""
    twice = sorted(name for name, count in Counter(names).items() if name and count > 1)
    if twice:
        raise CorpusError(f"the header row has {', '.join(map(repr, twice))} twice; expected each column once")
    return tuple(name or _column_name(place) for place, name in enumerate(names, start=1))


def _column_name(place: int) -> str:
    return f"column {place}"
