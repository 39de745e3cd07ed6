"""Corpora in lines of text: JSON lines, CSV and TSV, TREC's tagged text; plain or gzip, read as a stream."""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from indexer.corpora.records import Record
from indexer.corpora.settings import CorpusSettings
from retrieval.errors import CorpusError

STANDARD_INPUT = "-"
_BOM = b"\xef\xbb\xbf"
_BROKEN_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)
_FIELD = re.compile(r"<(TITLE|HEADLINE|HL|TTL|TEXT|BODY)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_DOCNO = re.compile(r"<DOCNO>\s*(.*?)\s*</DOCNO>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


@contextmanager
def open_bytes(path: str) -> Iterator[IO[bytes]]:
    """Yield the bytes of a file (unpacked where its name ends in .gz), or of standard input for "-".

    Raises CorpusError where it is not there, no file, not readable, or not gzip.
    """
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        with gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb") as file:
            yield file  # type: ignore[misc]  # a GzipFile reads bytes as a file does
    except IsADirectoryError:
        raise CorpusError("is a folder; expected a file", path) from None
    except FileNotFoundError:
        raise CorpusError("does not exist; expected a file", path) from None
    except _BROKEN_GZIP as error:
        raise CorpusError(f"is no whole gzip file ({error}); pack it again or unpack it first", path) from None
    except OSError as error:
        raise CorpusError(f"cannot be read: {error.strerror or error}", path) from None


def numbered_lines(path: str, encoding: str = "utf-8") -> Iterator[tuple[int, str | None, str]]:
    """Yield (1-based number, text without line break, "") of each line; (number, None, problem) where it is no text.

    A byte order mark at the start is dropped. Raises CorpusError as `open_bytes` does.
    """
    with open_bytes(path) as file:
        for number, raw in enumerate(file, start=1):
            line = raw.removeprefix(_BOM) if number == 1 else raw
            try:
                yield number, line.decode(encoding).rstrip("\r\n"), ""
            except UnicodeDecodeError as error:
                bad = line[error.start : error.start + 1].hex()
                yield number, None, f"byte {error.start + 1} of the line (0x{bad}) is not {encoding}; see --encoding"


def read_jsonl(path: str, settings: CorpusSettings) -> Iterator[Record]:
    """Yield a record for each line that is not blank."""
    for number, line, problem in numbered_lines(path, settings.encoding):
        if line is None:
            yield Record(path, number, {}, problem)
        elif line.strip():
            values, problem = parse_object(line)
            yield Record(path, number, values, problem, line[:500])


def parse_object(line: str) -> tuple[dict[str, Any], str]:
    """Return the JSON object in `line` and "", or nothing and what is wrong with it."""
    try:
        values = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f" at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
        hint = "; one long array? write one object a line" if line.lstrip().startswith("[") else ""
        return {}, f"not JSON ({reason}{where}); expected one JSON object a line{hint}"
    if not isinstance(values, dict):
        return {}, f"a JSON {type(values).__name__}; expected one JSON object a line"
    return values, ""


def read_csv(path: str, settings: CorpusSettings) -> Iterator[Record]:
    """Yield a record for each row below the header row; quoted fields may hold line breaks."""
    yield from _read_table(path, settings, ",")


def read_tsv(path: str, settings: CorpusSettings) -> Iterator[Record]:
    """Yield a record for each row below the header row, its fields apart by tabs."""
    yield from _read_table(path, settings, "\t")


def _read_table(path: str, settings: CorpusSettings, delimiter: str) -> Iterator[Record]:
    bad: dict[int, str] = {}
    reader = csv.reader(_table_lines(path, settings.encoding, bad), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise CorpusError(
                f"no {path.removesuffix('.gz')[-3:]} row ({error}); is a quote not closed?", path, line
            ) from None
        problem = next((bad.pop(number) for number in range(line, reader.line_num + 1) if number in bad), "")
        if not row:
            continue
        if header is None:
            header = _header(row, path, line, problem)
        elif problem or len(row) != len(header):
            problem = problem or f"{len(row)} columns; expected {len(header)} as in the header row"
            yield Record(path, line, {}, problem, delimiter.join(row)[:500])
        else:
            yield Record(path, line, dict(zip(header, row, strict=True)))


def _table_lines(path: str, encoding: str, bad: dict[int, str]) -> Iterator[str]:
    for number, line, problem in numbered_lines(path, encoding):
        if line is None:
            bad[number] = problem
        yield "\N{REPLACEMENT CHARACTER}\n" if line is None else line + "\n"


def _header(row: list[str], path: str, line: int, problem: str) -> list[str]:
    names = [name.strip() for name in row]
    twice = {name for name in names if names.count(name) > 1}
    if problem or twice:
        message = (
            problem or f"the header row names {', '.join(sorted(map(repr, twice)))} twice; expected each column once"
        )
        raise CorpusError(message, path, line)
    return names


def read_trec(path: str, settings: CorpusSettings) -> Iterator[Record]:
    """Yield a record for each <DOC> … </DOC>: DOCNO as the id, TITLE or HEADLINE, and the rest of the text."""
    block: list[str] = []
    start = 0
    for number, line, problem in numbered_lines(path, settings.encoding):
        if line is None:
            yield Record(path, number, {}, problem)
            continue
        if line.strip().upper() == "<DOC>":
            if block:
                yield Record(path, start, {}, "<DOC> without </DOC> before the next <DOC>", block[0])
            block, start = [line], number
        elif block:
            block.append(line)
            if line.strip().upper() == "</DOC>":
                yield _trec_record(path, start, "\n".join(block))
                block = []
        elif line.strip():
            yield Record(path, number, {}, "text outside <DOC> … </DOC>; expected TREC documents", line[:500])
    if block:
        yield Record(path, start, {}, "<DOC> without </DOC>; the file ends inside it", block[0])


def _trec_record(path: str, line: int, block: str) -> Record:
    docno = _DOCNO.search(block)
    if docno is None:
        return Record(path, line, {}, "a <DOC> without <DOCNO>; expected an id", block[:500])
    parts: dict[str, list[str]] = {"title": [], "text": []}
    for tag, content in _FIELD.findall(block):
        parts["text" if tag.upper() in ("TEXT", "BODY") else "title"].append(_plain(content))
    if not parts["text"]:
        parts["text"].append(_plain(_FIELD.sub(" ", _DOCNO.sub(" ", block))))
    return Record(
        path, line, {"id": docno.group(1), "title": " ".join(parts["title"]), "text": "\n".join(parts["text"])}
    )


def _plain(content: str) -> str:
    lines = (" ".join(line.split()) for line in _TAG.sub(" ", content).splitlines())
    return "\n".join(line for line in lines if line)


def check_file(path: str) -> None:
    """Raise CorpusError where `path` is no file that is there."""
    if path != STANDARD_INPUT and not Path(path).is_file():
        kind = "is a folder" if Path(path).is_dir() else "does not exist"
        raise CorpusError(f"{kind}; expected a file", path)
