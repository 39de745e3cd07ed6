"""Split the lines of a run or qrels file into columns, whatever separates them: tabs, blanks, commas or semicolons.

One layout holds for the whole file. It is the one that fits the most of the first thousand lines: a line fits if it has
the right number of columns and a number where one is expected.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from resift.retrieval.errors import CorpusError
from resift.retrieval.wording import counted

_SAMPLE = 1000  # lines from which the layout is chosen
_FIELD = re.compile(r'"(?:[^"]|"")*"(?!\S)|\S+')
_EXCEL = re.compile(r'"?sep=."?[,;\t ]*', re.IGNORECASE)  # its own first line, not part of the table
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_ITERATIONS = ("0", "q0")  # what the second column of TREC's forms nearly always has
_GRADES = frozenset(map(str, range(-2, 6)))
_SEPARATORS = ("\t", "", ",", ";")  # in this order if several fit equally well; "" is any white space

Names = tuple[str, ...]


class Row(NamedTuple):
    """One entry: its line, None if it is not known, both ids, the text of the number, and how many columns there are.

    `columns` is 0 if a header row or JSON names them.
    """

    line: int | None
    query_id: str
    doc_id: str
    number: str
    columns: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of one kind of file.

    `places`: number of columns -> the places of query id, document id and number, in a file without a header row.
    `numbers`: the names of the number's column in a header row, normalized. `expected` and `json`: the columns, and the
    forms of JSON, for messages.
    """

    places: Mapping[int, tuple[int, int, int]]
    numbers: Names
    expected: str
    json: str


_QUERIES: Names = ("queryid", "qid", "topicid", "topic", "topicnumber", "query", "q")
_QUERIES += ("suchbegriff", "suchanfrage", "anfrage", "frage")
_DOCUMENTS: Names = (
    *("corpusid", "docno", "docid", "documentid", "documentno", "passageid", "pid", "productid", "itemid", "did"),
    *("document", "doc", "passage", "item", "id", "d"),
    *("artikelnr", "artikelnummer", "artnr", "sku", "dokument"),
)


def _is_comment(text: str) -> bool:
    """Return whether a line is a comment as in trec_eval 9.0.8: it begins with # and a blank. An id may be # too."""
    fields = text.split()
    return fields[0].strip("#") == "" and (len(fields) < 2 or fields[1].lower() not in _ITERATIONS)


def read_columns(lines: Iterator[tuple[int, str]], path: str | Path, shape: Shape) -> Iterator[Row]:
    """Yield the query id, the document id and the number of each line below a header row, if there is one.

    Raises CorpusError with the line number on a line that does not have the columns of the others.
    """
    stripped = ((number, text.strip("\r\n")) for number, text in lines)
    data = itertools.dropwhile(lambda line: _is_comment(line[1]) or _EXCEL.fullmatch(line[1]) is not None, stripped)
    sample = list(itertools.islice(data, _SAMPLE))
    if not sample:
        return
    texts = [text for _, text in sample]
    if not _has_header(texts[0], shape):  # below a header row, an id may be "# 1"
        texts = [text for text in texts if not _is_comment(text)]
    layout = _choose(texts, shape)
    _check_order([layout.fields(text) for text in texts], layout, path, sample[0][0])
    for position, (line, text) in enumerate(itertools.chain(sample, data)):
        if position == 0 if layout.header else _is_comment(text):
            continue
        fields = layout.fields(text)
        if len(fields) != layout.count:
            raise CorpusError(_count_problem(text, layout, shape, sample[0]), path, line)
        query, document, number = (fields[place] for place in layout.places)
        yield Row(line, query, document, number, 0 if layout.header else layout.count)


def _has_header(text: str, shape: Shape) -> bool:
    rows = (_split(text, separator) for separator in _SEPARATORS)
    return any(find_places([_unquoted(name, bare=True) for name in row], shape) for row in rows)


def _check_order(rows: Sequence[Sequence[str]], layout: _Layout, path: str | Path, line: int) -> None:
    """Raise CorpusError if the columns are in ir_datasets' order, or those of judgements with features."""
    if any(field.lower().startswith("qid:") for row in rows for field in row[1:2]):
        message = "the second column is qid:…, as in files of learning to rank; expected query, 0, document, grade"
        raise CorpusError(message, path, line)
    if layout.header or layout.count != 4 or any(len(row) != 4 for row in rows):
        return
    _, second, third, last = zip(*rows, strict=True)
    if set(last) == {"0"} and set(third) <= _GRADES and len(set(second)) > 1:
        message = "the columns look like query, document, grade, iteration; expected query, iteration, document, grade"
        raise CorpusError(f"{message}, or a header row that names them", path, line)


def find_places(names: Sequence[str], shape: Shape) -> tuple[int, int, int] | None:
    """Return the places of query id, document id and number by the names of a header row, None if it is not one.

    >>> find_places(["query-id", "corpus-id", "score"], Shape({}, ("score",), "", ""))
    (0, 1, 2)
    """
    normal = [re.sub(r"[\W_]", "", name.lower()) for name in names]
    found = [
        next((normal.index(name) for name in known if name in normal), -1)
        for known in (_QUERIES, _DOCUMENTS, shape.numbers)
    ]
    query, document, number = found
    return (query, document, number) if min(found) >= 0 and len(set(found)) == 3 else None


def is_number(text: str) -> bool:
    """Return whether `text` is a number as these files write them."""
    try:
        to_number(text)
    except ValueError:
        return False
    return True


def to_number(text: str) -> float:
    """Return `text` as a number. Raises ValueError also on 1_000 and non-ASCII digits, which only Python accepts."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return float(text)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How lines are split. `fits`: how many lines have a number in its place, and how many the right columns.

    `bare`: whether a field in quotes without quotes inside loses them.
    """

    separator: str
    count: int
    places: tuple[int, int, int]
    header: bool
    fits: tuple[int, int]
    bare: bool

    def fields(self, text: str) -> list[str]:
        fields = _split(text, self.separator)
        if '"' not in text or self.separator in (",", ";"):
            return fields
        return [_unquoted(field, self.bare, blanks=not self.separator) for field in fields]


def _split(text: str, separator: str) -> list[str]:
    """Return the fields of a line; those between commas or semicolons without the quotes of CSV."""
    if not separator:
        return _FIELD.findall(text) if '"' in text else text.split()
    if separator == "\t":
        return [field.strip() for field in text.split("\t")]
    try:
        [row] = csv.reader([text], delimiter=separator, strict=True, skipinitialspace=True)
    except (csv.Error, ValueError):
        return []
    return [field.strip() for field in row]


def _unquoted(field: str, bare: bool, *, blanks: bool = True) -> str:
    """Return `field` without the quotes of Python's csv, if it has them; TREC's own files have none.

    Quotes are csv's if doubled quotes are in them, or white space where that separates (`blanks`); all are, if `bare`.

    >>> _unquoted('"a ""b"" c"', bare=False), _unquoted('"a"', bare=False), _unquoted('"a"', bare=True)
    ('a "b" c', '"a"', 'a')
    """
    if not field.startswith('"') or not _QUOTED.fullmatch(field):
        return field
    inner = field[1:-1].replace('""', '"')
    needed = '"' in inner or (blanks and any(character.isspace() for character in inner))
    return inner if needed or bare else field


def join(fields: Sequence[str]) -> str:
    """Return the line of a TREC file that reads as `fields`, which have no white space.

    A field is put in quotes, as Python's csv does, only if a reader would otherwise take its own quotes for such.

    >>> join(["q1", "0", '"Heat"_(album)', "1"])
    'q1 0 "Heat"_(album) 1'
    """
    line = " ".join(fields)
    if '"' not in line:
        return line
    read = _FIELD.findall(line)
    bare = all(_QUOTED.fullmatch(field) for field in (fields[0], fields[2]))
    if [_unquoted(field, bare) for field in read] == list(fields):
        return line
    return " ".join('"' + field.replace('"', '""') + '"' if field.startswith('"') else field for field in fields)


def _choose(sample: Sequence[str], shape: Shape) -> _Layout:
    """Return the layout that fits the most lines of the sample."""
    found = [layout for separator in _SEPARATORS if (layout := _layout(sample, separator, shape)) is not None]
    best = max(found, key=lambda layout: layout.fits, default=None)
    if best is None:
        return _Layout("\t" if "\t" in sample[0] else "", -1, (0, 1, 2), header=False, fits=(0, 0), bare=False)
    return _settle(best, {layout.separator: layout for layout in found if layout.fits == best.fits}, sample)


def _settle(best: _Layout, equal: Mapping[str, _Layout], sample: Sequence[str]) -> _Layout:
    """Return `best` or another of the `equal`ly good layouts, by separator, that is the more likely one."""
    blanks = equal.get("")
    if blanks is None or blanks.header:
        return best
    rows = [_FIELD.findall(text) for text in sample]
    if best.separator == "\t" and best.count == 3 and blanks.count == 4:  # q1 0⇥d1⇥1: TREC, or an id with a blank?
        return blanks if all(row[1].lower() in _ITERATIONS for row in rows if len(row) == 4) else best
    for mark in (",", ";"):  # q1, d1, 1
        if mark in equal and all(field.endswith(mark) for row in rows for field in row[:-1]):
            return equal[mark]
    return best


def _layout(sample: Sequence[str], separator: str, shape: Shape) -> _Layout | None:
    """Return the layout with this separator, None if no line has the right number of columns."""
    rows = [_split(text, separator) for text in sample]
    places = find_places([_unquoted(name, bare=True) for name in rows[0]], shape)
    header, count = places is not None, len(rows[0])
    if places is None:
        counts = Counter(len(row) for row in rows if len(row) in shape.places)
        if not counts:
            return None
        [(count, _)] = counts.most_common(1)
        places = shape.places[count]
    body = [row for row in rows[header:] if len(row) == count]
    numbers = [_unquoted(row[places[2]], bare=True) for row in body]
    fits = header + sum(map(is_number, numbers)), header + len(body)
    return _Layout(separator, count, places, header, fits, _is_bare(rows, body, places))


def _is_bare(rows: Sequence[Sequence[str]], body: Sequence[Sequence[str]], places: Sequence[int]) -> bool:
    """Return whether quotes around a field are not part of it: numbers, the header row or all ids have them too."""
    if all(map(_QUOTED.fullmatch, rows[0])) or any(_QUOTED.fullmatch(row[places[2]]) for row in body):
        return True
    ids = [row[place] for row in body for place in places[:2]]
    return bool(ids) and all(map(_QUOTED.fullmatch, ids))


def _count_problem(text: str, layout: _Layout, shape: Shape, first: tuple[int, str]) -> str:
    """Return what is wrong with the columns of a line; `first` is the first line and its number."""
    count, tabs = len(layout.fields(text)), text.count("\t") + 1
    expected = f"{layout.count} as in {'the header row' if layout.header else f'line {first[0]}'}"
    foreign = not layout.separator and tabs > 1 and tabs not in shape.places and not layout.header
    if foreign or len(layout.fields(first[1])) != layout.count or first[1] == text:
        expected = shape.expected
    return f"{counted(tabs if foreign else count, 'column')}; expected {expected}"
