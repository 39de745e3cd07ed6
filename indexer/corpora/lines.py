"""Read the lines of a text file, decoded, each with its number and with the problem that it has."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Generator, Iterator
from typing import IO, AnyStr

from resift.indexer.corpora.opening import open_bytes
from resift.indexer.corpora.reading import Reading
from resift.retrieval.errors import CorpusError

Line = tuple[int, str, str]
"""A line as `numbered_lines` yields it: its 1-based number, its text, and the problem with it, "" if there is none."""

LONGEST = 2**27
"""Bytes or characters of a line, at most; limits the memory if a file has no line breaks."""
_PIECE = 2**16  # bytes that are read at once
_IN_QUOTES = re.compile(rb'"[^"]*"?')
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = {  # in this order: the mark of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def numbered_lines(path: str, encoding: str | None = None, reading: Reading | None = None) -> Generator[Line]:
    """Yield (1-based line number, text without line break, problem) of each line; problem is "" if the text is valid.

    Otherwise, U+FFFD replaces what cannot be decoded. A byte order mark at the start is dropped, and decides the
    encoding; `reading` gets a note if another one was named. The encoding None is UTF-8 for callers without such an
    option. Close the generator if not all lines are read, so that the file is closed. Raises CorpusError as
    `open_bytes` does.
    """
    hint = "save it as UTF-8" if encoding is None else "name the right one with `encoding`"
    with open_bytes(path, reading) as file:
        name = marked_encoding(file.peek(4)[:4], encoding or "utf-8")
        if encoding and reading is not None and (named := codecs.lookup(encoding).name)[:5] not in ("utf-8", name[:5]):
            reading.note(f"{path}: is read as {name.upper()} and not as {named}, as its byte order mark says")
        lines = _wide_lines if codecs.lookup(name).name.startswith(("utf-16", "utf-32")) else _decoded_lines
        for number, (text, problem) in enumerate(lines(file, name, path), start=1):
            if not problem and "\0" in text:
                problem = "contains NUL bytes, as UTF-16 does"
            yield number, text.rstrip("\r\n"), f"{problem}; {hint}" if problem else ""


def marked_encoding(begin: bytes, encoding: str) -> str:
    """Return the encoding whose byte order mark is at the `begin` of a file; `encoding` if there is none."""
    if begin.startswith(_BOM):
        return "utf-8"
    return next((wide for mark, wide in _WIDE_BOMS.items() if begin.startswith(mark)), encoding)


def undecodable(raw: bytes, place: int, encoding: str) -> str:
    """Return what to say of a byte that is not in `encoding`, with the character that it is in Windows' cp1252."""
    try:
        character = raw[place : place + 1].decode("cp1252")
    except UnicodeDecodeError:
        character = ""
    shown = f"; it is {character!r} in cp1252" if character.isprintable() and character else ""
    return f"(0x{raw[place]:02x}) is not {encoding}{shown}"


def _decoded_lines(file: io.BufferedReader, encoding: str, path: str) -> Iterator[tuple[str, str]]:
    for number, raw in enumerate(_old_lines(file, path) if _is_old(file.peek()) else _bounded_lines(file, path)):
        line = raw if number else raw.removeprefix(_BOM)
        try:
            yield line.decode(encoding), ""
        except UnicodeDecodeError as error:
            what = undecodable(line, error.start, encoding)
            yield line.decode("utf-8", "replace"), f"byte {error.start + 1} of the line {what}"
        except UnicodeError as error:  # codecs such as idna do not report a position
            yield "", f"is not {encoding} ({error})"


def _is_old(begin: bytes) -> bool:
    """Return whether lines end with a carriage return alone; a line feed may then be in a cell in quotes."""
    if b"\r" not in begin or b"\r\n" in begin or 0 <= begin.find(b"\n") < begin.find(b"\r"):
        return False
    return b"\n" not in begin or b"\n" not in _IN_QUOTES.sub(b"", begin)


def _bounded_lines(file: IO[AnyStr], path: str) -> Iterator[AnyStr]:
    """Yield the lines of `file`. Raises CorpusError at a line of more than LONGEST bytes or characters."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            message = f"longer than {LONGEST:,} characters; expected one record per line; is it one long array?"
            raise CorpusError(message, path, number)
        yield line


def _old_lines(file: IO[bytes], path: str) -> Iterator[bytes]:
    """Yield the lines of a file whose lines end with a carriage return alone, as Excel for Mac can write CSV."""
    rest, number = b"", 0
    while piece := file.read(_PIECE):
        *lines, rest = (rest + piece).split(b"\r")
        yield from (line + b"\n" for line in lines)
        number += len(lines)
        if len(rest) > LONGEST:
            raise CorpusError(f"longer than {LONGEST:,} characters; expected one record per line", path, number + 1)
    if rest:
        yield rest


def _wide_lines(file: io.BufferedReader, encoding: str, path: str) -> Iterator[tuple[str, str]]:
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
