"""Read tables that are text files: CSV with quotes, and TSV without them, as a stream of rows.

CSV is read as RFC 4180 describes it: a field in quotes may contain delimiters, line breaks and doubled quotes. TSV has
no quotes: one line is one row, and a field may begin with a quote, as in the files of MS MARCO. Only a field that a
CSV writer has wrapped in quotes in its own line is unwrapped, and a column below a header row that is wrapped in each
of the first rows, as in DPR's passages.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing

from resift.indexer.corpora.columns import Header, read_header
from resift.indexer.corpora.lines import LONGEST, Line, numbered_lines
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.record import Record
from resift.indexer.corpora.settings import DELIMITERS, CorpusSettings
from resift.indexer.corpora.usual_names import DOCUMENTS, Roles
from resift.retrieval.errors import CorpusError
from resift.retrieval.wording import counted

_Row = tuple[int, list[str], str]  # (1-based line, cells, problem)
_SAMPLE_LINES = 100  # that decide what separates the fields of a CSV file, and which columns of TSV are in quotes
_SAMPLE_CHARACTERS = 1_000_000
# Excel's own first line, which is not part of the table
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t ]*', re.IGNORECASE)
_CANDIDATES = ("id", "url", "title", "text")  # as which the candidates of MS MARCO would be read
_WRAPPED = re.compile(r'"((?:[^"]|"")*)"')

_IN_QUOTES = "every cell of a column is in quotes, which are left out"
_NO_DOCUMENTS = (
    "the second of four columns is a number, not a URL: the rows look like the candidates of queries (query id, "
    "passage id, query, passage), not like documents; expected id, url, title, text, or their names in `columns`"
)

csv.field_size_limit(LONGEST)  # characters; limits the memory if a quote is not closed


def read_csv(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each row of a CSV file. Raises CorpusError as `read_table` and `open_bytes` do."""
    with closing(numbered_lines(path, settings.encoding, reading)) as lines:
        yield from read_table(lines, path, settings, reading, quoted=True)


def read_tsv(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each row of a TSV file. Raises CorpusError as `read_table` and `open_bytes` do."""
    with closing(numbered_lines(path, settings.encoding, reading)) as lines:
        yield from read_table(lines, path, settings, reading, quoted=False)


def read_table(
    lines: Iterable[Line],
    path: str,
    settings: CorpusSettings,
    reading: Reading | None = None,
    *,
    quoted: bool,
    roles: Roles = DOCUMENTS,
) -> Iterator[Record]:
    """Yield a record for each row of a table below its header row, with its cells by the names of the columns.

    `quoted` selects CSV, whose delimiter is `settings.delimiter` or the most plausible of four; without it, a line is
    a row, and the default delimiter is the tab. The header row is found by `read_header`, and `reading` gets a note if
    there is none. A row of another length, or with a bad quote, is a record with a problem; empty cells beyond the
    last column and rows of empty cells are ignored.

    Raises CorpusError on a bad first row, and on a quote that is not closed.
    """
    rest = iter(lines)
    sample = [] if quoted else _sample(rest)
    wrapped: set[int] = set()
    lines = itertools.chain(sample, rest)
    rows = _quoted_rows(lines, settings, path) if quoted else _plain_rows(lines, settings, wrapped)
    header: Header | None = None
    for line, cells, problem in rows:
        if not problem and not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _first_row((line, cells, problem), path, roles, settings, quoted=quoted)
            wrapped.update(_check_below(header, sample, line, path, settings))
            notes = [header.note] if header.note else []
            notes += [f"{_IN_QUOTES} (column {header.names[place]!r})" for place in sorted(wrapped)]
            if reading is not None:
                for note in notes:
                    reading.note(f"{path}: {note}")
            if not header.is_data:
                continue
        yield _record(path, line, cells, problem, header, quoted=quoted)


def _first_row(row: _Row, path: str, roles: Roles, settings: CorpusSettings, *, quoted: bool) -> Header:
    """Return the header that the first row shows. Raises CorpusError with its line."""
    line, cells, problem = row
    try:
        if problem:
            raise CorpusError(problem)
        return read_header(cells, roles, settings, quoted=quoted)
    except CorpusError as error:
        raise CorpusError(str(error), path, line) from None


def _check_below(
    header: Header, sample: Sequence[Line], first: int, path: str, settings: CorpusSettings
) -> Collection[int]:
    """Return which columns of TSV are in quotes in the `sample` from its `first` row on. Raises CorpusError."""
    delimiter = settings.delimiter_character or "\t"
    rows = [text.split(delimiter) for number, text, _ in sample if number >= first and text.strip()]
    if _are_candidates(header, rows, settings):
        raise CorpusError(_NO_DOCUMENTS, path, first)
    return _wrapped_columns(header, rows)


def _wrapped_columns(header: Header, rows: Sequence[Sequence[str]]) -> Collection[int]:
    """Return the places of the columns below a header row whose cells are all in quotes, unlike the column's name."""
    body = [row for row in rows[1:] if len(row) == len(header.names)]
    if header.is_data or len(body) < 2 or len(rows[0]) != len(header.names):
        return set()
    cells = enumerate(zip(*body, strict=True))
    return {
        place
        for place, column in cells
        if not _WRAPPED.fullmatch(rows[0][place]) and all(map(_WRAPPED.fullmatch, column))
    }


def _are_candidates(header: Header, rows: Sequence[Sequence[str]], settings: CorpusSettings) -> bool:
    """Return whether rows without a header row have a number as their URL, as MS MARCO's top1000 files do."""
    if not header.is_data or header.names != _CANDIDATES or settings.columns:
        return False
    whole = [row for row in rows if len(row) == len(_CANDIDATES)]
    return len(whole) > 1 and all(cell.strip().isdecimal() for row in whole for cell in row[:2])


def _record(path: str, line: int, cells: list[str], problem: str, header: Header, *, quoted: bool) -> Record:
    names = header.names
    if not any(cells[len(names) :]):
        cells = cells[: len(names)]
    if header.unnamed and len(cells) < len(names) and header.unnamed.issuperset(names[len(cells) :]):
        cells = cells + [""] * (len(names) - len(cells))
    if not problem and len(cells) != len(names):
        first = "first" if header.is_data else "header"
        problem = f"{counted(len(cells), 'column')}; expected {len(names)} as in the {first} row"
        if not quoted:
            problem += "; TSV has no quotes: if a field in quotes may have tabs or line breaks, set `format` to csv"
    if problem:
        return Record(path, line, {}, problem, "\t".join(cells)[:500])
    values = dict(zip(names, cells, strict=True))
    for name in header.unnamed:
        if not values[name].strip():
            del values[name]
    return Record(path, line, values, texts=tuple(name for name in header.texts if name in values))


def _plain_rows(lines: Iterable[Line], settings: CorpusSettings, columns: Collection[int]) -> Iterator[_Row]:
    """Yield one row per line; fields that a CSV writer has wrapped in quotes are unwrapped.

    A writer wraps the fields that contain a quote, and doubles it; or it wraps all fields, or those of the `columns`,
    which the caller may add to after the first row.
    """
    delimiter = settings.delimiter_character or "\t"
    every: bool | None = None  # whether the first row has all its fields in quotes
    for number, text, problem in lines:
        cells = text.split(delimiter)
        wrapped = '"' in text and all(_WRAPPED.fullmatch(cell) for cell in cells)
        every = wrapped if every is None else every
        if '"' in text:
            whole = every or wrapped
            cells = [_unwrapped(cell, whole or place in columns) for place, cell in enumerate(cells)]
        yield number, cells, problem


def _unwrapped(cell: str, always: bool) -> str:
    match = _WRAPPED.fullmatch(cell)
    if match is None or not (always or '""' in match.group(1)):
        return cell
    return match.group(1).replace('""', '"')


def _quoted_rows(lines: Iterable[Line], settings: CorpusSettings, path: str) -> Iterator[_Row]:
    """Yield the rows of a CSV file. Raises CorpusError if the rest of the file was read as one field."""
    rest = iter(lines)
    sample = _sample(rest)
    separator = _SEPARATOR_LINE.fullmatch(sample[0][1]) if sample else None
    if separator:
        sample = sample[1:]
    texts = [text for _, text, _ in sample]
    delimiter = settings.delimiter_character or (separator.group(1) if separator else likely_delimiter(texts))
    numbers: list[int] = []  # of the lines of the row being read
    problems: list[str] = []
    source = _row_lines(itertools.chain(sample, rest), numbers, problems)
    blanks = bool(texts) and (f"{delimiter} " in texts[0] or any(f'{delimiter} "' in text for text in texts))
    reader = csv.reader(source, delimiter=delimiter, skipinitialspace=blanks, strict=True)
    while True:
        numbers.clear()
        problems.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells = []
            problem = (
                f"not a CSV row ({error}); a field in quotes must end with a quote, and quotes in it must be doubled"
            )
            if "unexpected end" in str(error):
                hint = "is a quote not closed? for a table without quotes, set `format` to tsv, and `delimiter`"
                raise CorpusError(f"{problem}; {hint}", path, numbers[0]) from None
            problems.append(problem)
        yield (numbers or [0])[0], cells, (problems or [""])[0]


def _row_lines(lines: Iterable[Line], numbers: list[int], problems: list[str]) -> Iterator[str]:
    for number, text, problem in lines:
        numbers.append(number)
        if problem:
            problems.append(problem)
        yield text + "\n"


def _sample(lines: Iterator[Line]) -> list[Line]:
    sample: list[Line] = []
    size = 0
    while len(sample) < _SAMPLE_LINES and size < _SAMPLE_CHARACTERS and (line := next(lines, None)) is not None:
        sample.append(line)
        size += len(line[1])
    return sample


def likely_delimiter(texts: Sequence[str]) -> str:
    """Return the delimiter with which the first row has several columns, and most of the others as many.

    >>> likely_delimiter(["id;price;text", '1;3,50;"a, b"'])
    ';'
    """
    best, best_fit = ",", (0.0, 0)
    for delimiter in DELIMITERS.values():
        try:
            rows = [row for row in csv.reader(texts, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if len(rows) > 2:
            rows.pop()  # it may end behind the sample
        width, used = (len(rows[0]), _used_width(rows[0])) if rows else (0, 0)
        if width < 2:
            continue
        share = sum(len(row) == width or _used_width(row) == used for row in rows) / len(rows)
        if (share, used) > best_fit:
            best, best_fit = delimiter, (share, used)
    return best


def _used_width(row: list[str]) -> int:
    """Return the number of cells without the empty ones at the end, which some programs write in some of the rows."""
    return next((place for place in range(len(row), 0, -1) if row[place - 1].strip()), 0)
