"""Read queries: the form of a file is recognized by its name and its first line, and never guessed."""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from resift.indexer.corpora.delimited import read_table
from resift.indexer.corpora.json_queries import read_json_queries
from resift.indexer.corpora.lines import Line, numbered_lines
from resift.indexer.corpora.opening import check_file, without_compression
from resift.indexer.corpora.query_fields import FoundQuery, to_query
from resift.indexer.corpora.query_settings import QuerySettings
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.topics import read_topics
from resift.indexer.corpora.usual_names import QUERIES
from resift.retrieval.errors import CorpusError
from resift.retrieval.mistaken import trec_file
from resift.retrieval.text import clean
from resift.retrieval.text_lines import STANDARD_INPUT
from resift.retrieval.types import Query

_XML_ENCODING = re.compile(r"<\?xml\b[^>]*\bencoding\s*=\s*[\"']([\w.:-]+)[\"']")
_NUMBERED = re.compile(r"(\d+):(?:\d+:)?\s*(\S.*)")  # 51:horse hooves, of TREC's Million Query and Web tracks
_SAMPLE = 100  # lines that decide whether a file has judgements or a run instead of queries
_JSON_ENDS = (".json", ".jsonl", ".ndjson")
_PLAIN_HINT = "; a query that begins with { or [ is read only from JSON, or after its id and a tab"


def read_queries(
    source: str | Path, settings: QuerySettings | None = None, reading: Reading | None = None
) -> Iterator[Query]:
    """Yield the queries of a file, in the order of the file; standard input for "-".

    The format is the first that applies:

    - TSV if the name ends in .tsv or .tab and the first line has a tab (each name may have .gz after it);
    - topics in tags, if the file begins with <; JSON, if it begins with { or [ or the name ends in .json or .jsonl;
    - CSV, if the name ends in .csv, or the first line has the usual names of an id and a text;
    - TSV, if the first line has a tab or the name ends in .tsv;
    - id and text, if all of several lines begin with a number and a colon;
    - else one query per line.

    A query without an id gets its place, from 1. `settings` may name where the id and the text are. `reading` gets
    notes on what had to be assumed. Raises CorpusError on a bad line, an id that two different queries have, an id that
    only some have, an empty query, and a file without queries.
    """
    path = str(source)
    settings, reading = settings or QuerySettings(), reading or Reading()
    check_file(path)
    seen: dict[str, tuple[int | None, str]] = {}  # line and text of each id
    numbered: bool | None = None
    for place, (line, found_id, found_text) in enumerate(_found(path, settings, reading), start=1):
        numbered = found_id is None if numbered is None else numbered
        if numbered != (found_id is None):
            raise CorpusError("some queries have an id and some have none; expected all or none", path, line)
        query = Query(clean(str(place) if found_id is None else found_id.strip()), clean(found_text.strip()))
        if not query.query_id or not query.text:
            raise CorpusError("the query id or text is empty; expected both", path, line)
        if query.query_id not in seen:
            yield query
        first, text = seen.setdefault(query.query_id, (line, query.text))
        if text != query.text:
            where = f"already used{'' if first is None else f' in line {first}'} for another text"
            raise CorpusError(f"the query id {query.query_id!r} was {where}; expected it once", path, line)
    if not seen:
        raise CorpusError("contains no queries; expected at least one", path)
    if numbered:
        reading.note(f"{path}: the queries have no ids, so they are numbered from 1 in the order of the file")


def _found(path: str, settings: QuerySettings, reading: Reading) -> Iterator[FoundQuery]:
    """Yield the queries of a file, unchecked."""
    with closing(
        numbered_lines(path, _requested_encoding(settings), reading)
    ) as lines:  # once: standard input cannot be reread
        named = ((number, text, problem and _with_own_names(problem)) for number, text, problem in lines)
        yield from _in_form(named, path, settings, reading)


def _in_form(lines: Iterator[Line], path: str, settings: QuerySettings, reading: Reading) -> Iterator[FoundQuery]:
    """Return the queries of `lines`, in the form that the name of the file or its first line shows."""
    begin: list[Line] = []
    for line in lines:
        begin.append(line)
        if line[1].strip():
            break
    first = begin[-1][1].strip() if begin else ""
    lines = itertools.chain(begin, lines)
    name = without_compression(path).lower()
    tabs = name.endswith((".tsv", ".tab"))
    if first.startswith("<") and not (tabs and "\t" in first):
        return read_topics(list(_checked(_decoded_xml(first, lines, path, settings), path)), path, settings, reading)
    if (first.startswith(("{", "[")) and not (tabs and "\t" in first)) or name.endswith(_JSON_ENDS):
        hint = "" if name.endswith(_JSON_ENDS) else _PLAIN_HINT
        return read_json_queries(list(_checked(lines, path)), path, settings, reading, hint)
    if name.endswith(".csv") or (not tabs and _is_csv_header(first)):
        return _table(lines, path, settings, reading, quoted=True)
    if settings.query_columns is None:
        lines = _without_ranks(lines, path)
    if tabs or "\t" in first:
        return _table(lines, path, settings, reading, quoted=False)
    return _plain(list(_checked(lines, path)), path, reading)


def _without_ranks(lines: Iterator[Line], path: str) -> Iterator[Line]:
    """Return `lines`. Raises CorpusError if they are those of TREC's judgements or of a run, not queries."""
    sample = list(itertools.islice(lines, _SAMPLE))
    if what := trec_file(text for _, text, _ in sample if text.strip()):
        shown = next(text.strip() for _, text, _ in sample if text.strip())[:60]
        raise CorpusError(f"has {what} in the form of TREC ({shown!r}), not queries; expected ids and texts", path)
    return itertools.chain(sample, lines)


def _requested_encoding(settings: QuerySettings) -> str | None:
    """Return the encoding if it is not the default; else None, as for the commands without such an option."""
    return settings.query_encoding if settings.query_encoding != "utf-8" else None


def _checked(lines: Iterable[Line], path: str) -> Iterator[tuple[int, str]]:
    for number, text, problem in lines:
        if problem:
            raise CorpusError(problem, path, number)
        if text.strip():
            yield number, text


def _decoded_xml(first: str, lines: Iterable[Line], path: str, settings: QuerySettings) -> Iterable[Line]:
    """Return `lines`, or the lines in the encoding that an XML declaration in the `first` one names."""
    declared = _XML_ENCODING.match(first)
    if declared is None or path == STANDARD_INPUT or settings.query_encoding != "utf-8":
        return lines
    try:
        name = codecs.lookup(declared.group(1)).name
    except LookupError:
        return lines
    return lines if name in ("utf-8", "ascii") or name.startswith("utf-") else numbered_lines(path, name)


def _is_csv_header(first: str) -> bool:
    """Return whether a line has the usual names of an id and a text, separated by commas or semicolons."""
    for delimiter in (",", ";"):
        try:
            [names] = csv.reader([first], delimiter=delimiter)
        except (csv.Error, ValueError):
            continue
        if len(names) > 1 and sum(map(QUERIES.knows, names)) > 1:
            return True
    return False


def _table(
    lines: Iterator[Line], path: str, settings: QuerySettings, reading: Reading, *, quoted: bool
) -> Iterator[FoundQuery]:
    inner = Reading(lambda note: reading.note(_with_own_names(note)))
    try:
        for record in read_table(lines, path, settings.table(), inner, quoted=quoted, roles=QUERIES):
            if record.problem:
                raise CorpusError(record.problem, path, record.line)
            try:
                yield to_query(record.values, record.line, settings)
            except ValueError as error:
                raise CorpusError(str(error), path, record.line) from None
    except CorpusError as error:
        error.args = (_with_own_names(str(error)),)
        raise


def _with_own_names(message: str) -> str:
    """Return a message on a table with the names of the settings of queries."""
    for field, name in (
        ("text_field", "query_field"),
        ("id_field", "query_id_field"),
        ("columns", "query_columns"),
        ("encoding", "query_encoding"),
    ):
        message = message.replace(f"`{field}`", f"`{name}`")
    if message.endswith("; save it as UTF-8"):
        message += ", or name the right one with `query_encoding`"
    return message.split("; TSV has no quotes")[0]


def _plain(lines: Sequence[tuple[int, str]], path: str, reading: Reading) -> Iterator[FoundQuery]:
    """Yield a query for each line, or for each line `number:text` if all of several are so."""
    pairs = [(line, _NUMBERED.fullmatch(text.strip())) for line, text in lines if not text.startswith("#")]
    found = [(line, match[1], match[2]) for line, match in pairs if match]
    if len(found) > 1 and len(found) == len(pairs) == len({number for _, number, _ in found}):
        reading.note(f"{path}: its lines were read as the number of a query, a colon and its text")
        yield from (FoundQuery(*query) for query in found)
        return
    for line, text in lines:
        yield FoundQuery(line, None, text)
