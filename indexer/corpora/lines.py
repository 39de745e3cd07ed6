"""Read corpora that are text files: JSON lines and TREC's tagged text, plain or gzip, as a stream."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, AnyStr

from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.records import Record
from resift.indexer.corpora.settings import STANDARD_INPUT, CorpusSettings
from resift.retrieval.errors import CorpusError

_BOM = b"\xef\xbb\xbf"
_SIGNATURES = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
    b"\x1f\x8b": "gzip, whose names end in .gz",
}
LONGEST = 2**27
"""Bytes or characters of a line, at most; limits the memory if a file has no line breaks."""
_GZIP_HINT = "compress it again or decompress it first"
_BROKEN_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)
_FIELD = re.compile(r"<(TITLE|HEADLINE|HL|TTL|TEXT|BODY)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_DOCNO = re.compile(r"<DOCNO>([^<]*)</DOCNO>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_JSON_KINDS = {"list": "array", "str": "string", "int": "number", "float": "number", "bool": "boolean"}


@contextmanager
def open_bytes(path: str, reading: Reading | None = None) -> Iterator[IO[bytes]]:
    """Yield a binary file, decompressed if its name ends in .gz; standard input for "-".

    `reading` measures the progress. Raises CorpusError if the path does not exist, is not a file, cannot be read or is
    not a gzip file.
    """
    if path == STANDARD_INPUT:
        if sys.stdin is None:
            raise CorpusError("standard input is closed; expected JSON lines from it", path)
        yield sys.stdin.buffer
        return
    try:
        with open(path, "rb") as file:
            if reading is not None:
                reading.follow(file)
            if path.endswith(".gz"):
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked  # type: ignore[misc]  # it has the methods of a binary file
            else:
                yield file
    except IsADirectoryError:
        raise CorpusError("is a folder; expected a file", path) from None
    except FileNotFoundError:
        raise CorpusError("does not exist; expected a file", path) from None
    except _BROKEN_GZIP as error:
        raise CorpusError(f"is not a complete gzip file ({error}); {_GZIP_HINT}", path) from None
    except OSError as error:
        raise CorpusError(f"cannot be read: {error.strerror or error}", path) from None


def numbered_lines(
    path: str, encoding: str | None = None, reading: Reading | None = None
) -> Iterator[tuple[int, str, str]]:
    """Yield (1-based line number, text without line break, problem) of each line; problem is "" if the text is valid.

    Otherwise, U+FFFD replaces what cannot be decoded. A byte order mark at the start is dropped. The encoding None is
    UTF-8 for callers without such an option. Raises CorpusError as `open_bytes` does.
    """
    hint = "save it as UTF-8" if encoding is None else "name the right one with `encoding`"
    name = encoding or "utf-8"
    with open_bytes(path, reading) as file:
        lines = _wide_lines if codecs.lookup(name).name.startswith(("utf-16", "utf-32")) else _decoded_lines
        for number, (text, problem) in enumerate(lines(file, name, path), start=1):
            if not problem and "\0" in text:
                problem = "contains NUL bytes, as UTF-16 does"
            yield number, text.rstrip("\r\n"), f"{problem}; {hint}" if problem else ""


def _decoded_lines(file: IO[bytes], encoding: str, path: str) -> Iterator[tuple[str, str]]:
    for number, raw in enumerate(_bounded_lines(file, path)):
        line = raw if number else raw.removeprefix(_BOM)
        try:
            yield line.decode(encoding), ""
        except UnicodeDecodeError as error:
            looks = (
                ""
                if number
                else next((f" but looks like {_SIGNATURES[b]}" for b in _SIGNATURES if line.startswith(b)), "")
            )
            bad = f"byte {error.start + 1} of the line (0x{line[error.start]:02x}) is not {encoding}"
            yield line.decode("utf-8", "replace"), f"{bad}{looks}"
        except UnicodeError as error:  # codecs such as idna do not report a position
            yield "", f"is not {encoding} ({error})"


def _bounded_lines(file: IO[AnyStr], path: str) -> Iterator[AnyStr]:
    """Yield the lines of `file`. Raises CorpusError at a line of more than LONGEST bytes or characters."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            message = f"longer than {LONGEST:,} characters; expected one record per line; is it one long array?"
            raise CorpusError(message, path, number)
        yield line


def _wide_lines(file: IO[bytes], encoding: str, path: str) -> Iterator[tuple[str, str]]:
    """Yield (line, "") from UTF-16 or UTF-32, whose line breaks are more than one byte. Raises CorpusError."""
    number, text = 0, io.TextIOWrapper(file, encoding, newline="\n")
    try:
        for number, line in enumerate(_bounded_lines(text, path), start=1):
            yield (line if number > 1 else line.removeprefix("\ufeff")), ""
    except UnicodeError as error:
        reason = getattr(error, "reason", error)
        raise CorpusError(f"is not {encoding} from here on ({reason}); see `encoding`", path, number + 1) from None
    finally:
        text.detach()  # so that the caller's file is not closed


def read_jsonl(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each line that is not blank. Raises CorpusError as `open_bytes` does."""
    for number, line, problem in numbered_lines(path, settings.encoding, reading):
        if problem:
            yield Record(path, number, {}, problem, line[:500])
        elif line.strip():
            values, problem = parse_object(line)
            yield Record(path, number, values, problem, line[:500])


def parse_object(line: str) -> tuple[dict[str, Any], str]:
    """Return (the JSON object in `line`, ""), or ({}, the problem) if it is not one."""
    hint = "; one long array? write one object per line" if line.lstrip().startswith("[") else ""
    try:
        values = _JSON.decode(line)
    except json.JSONDecodeError as error:
        return {}, f"not JSON ({error.msg} at character {error.pos + 1}); expected one JSON object per line{hint}"
    except RecursionError:
        return {}, "not JSON that can be read (nested too deep); expected one flat object per line"
    except _NoJsonValueError as error:
        return {}, f"not JSON ({error} is not a JSON value); expected null or a number"
    except ValueError:  # Python limits the digits of a whole number
        return {}, "a number with too many digits; expected it in quotes, as a text"
    if not isinstance(values, dict):
        kind = "null" if values is None else f"a JSON {_JSON_KINDS[type(values).__name__]}"
        return {}, f"{kind}; expected one JSON object per line{hint}"
    return values, ""


class _NoJsonValueError(ValueError):
    """NaN, Infinity or -Infinity, which Python accepts and JSON does not have."""


def _reject_constant(constant: str) -> None:
    raise _NoJsonValueError(constant)


_JSON = json.JSONDecoder(parse_constant=_reject_constant)


def read_trec(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each <DOC> … </DOC>: DOCNO as the id, TITLE or HEADLINE, and the rest of the text."""
    block: list[str] = []
    start, bad = 0, (0, "")
    for number, line, problem in numbered_lines(path, settings.encoding, reading):
        bare = line.strip().upper()
        if block and bare.startswith("<DOC>"):
            yield Record(path, start, {}, "<DOC> without </DOC> before the next <DOC>", block[0])
            block = []
        if not block and not bare.startswith("<DOC>"):
            if bare or problem:
                outside = "text outside <DOC> … </DOC>; expected TREC documents"
                yield Record(path, number, {}, problem or outside, line[:500])
            continue
        start, bad = (start, bad) if block else (number, (0, ""))
        bad = (number, problem) if problem and not bad[1] else bad
        block.append(line)
        if bare.endswith("</DOC>"):
            yield Record(path, bad[0], {}, bad[1], block[0]) if bad[1] else _trec_record(path, start, block)
            block = []
    if block:
        yield Record(path, start, {}, "<DOC> without </DOC>; the file ends inside it", block[0])


def _trec_record(path: str, line: int, lines: list[str]) -> Record:
    block = "\n".join(lines)
    docno = _DOCNO.search(block)
    if docno is None:
        return Record(path, line, {}, "a <DOC> without <DOCNO>; expected an id", block[:500])
    if lines[0].upper().count("<DOC>") > 1:
        return Record(path, line, {}, "two <DOC> in one line; expected each on its own line", block[:500])
    parts: dict[str, list[str]] = {"title": [], "text": []}
    for tag, content in _FIELD.findall(block):
        parts["text" if tag.upper() in ("TEXT", "BODY") else "title"].append(_without_tags(content))
    if not parts["text"]:
        parts["text"].append(_without_tags(_FIELD.sub(" ", _DOCNO.sub(" ", block))))
    return Record(
        path, line, {"id": docno.group(1).strip(), "title": " ".join(parts["title"]), "text": "\n".join(parts["text"])}
    )


def _without_tags(content: str) -> str:
    lines = (" ".join(line.split()) for line in _TAG.sub(" ", content).splitlines())
    return "\n".join(line for line in lines if line)


def check_file(path: str) -> None:
    """Raise CorpusError if `path` is a folder or does not exist; a pipe counts as a file."""
    try:
        missing = path != STANDARD_INPUT and not Path(path).exists()
        folder = not missing and Path(path).is_dir()
    except OSError as error:
        raise CorpusError(f"cannot be read: {error.strerror}", path[:200]) from None
    if missing or folder:
        raise CorpusError(f"{'is a folder' if folder else 'does not exist'}; expected a file", path)
