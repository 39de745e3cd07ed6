"""Read the lines of a text file: plain or compressed with gzip, or standard input."""

from __future__ import annotations

import codecs
import gzip
import io
import itertools
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from resift.retrieval.errors import CorpusError

STANDARD_INPUT = "-"
"""The name that stands for standard input."""
_GZIP = b"\x1f\x8b"  # the first bytes of a gzip file, RFC 1952


def read_lines(path: str | Path, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Yield (1-based line number, text) of each line that is not blank; standard input for "-".

    A gzip file is known by its first bytes or by a name that ends in .gz. A byte order mark at the start is dropped,
    and decides the encoding. Raises CorpusError if the file cannot be read, is not complete, or is not in `encoding`.
    """
    with _reported(path), _opened(path) as file:
        yield from _decoded(unpacked_lines(file, path), path, encoding)


def unpacked_lines(file: IO[bytes], name: str | Path) -> Iterator[bytes]:
    """Yield the lines of an open file, decompressed if it is a gzip file. Raises CorpusError with `name`."""
    begin: Any = file if hasattr(file, "peek") else io.BufferedReader(cast(io.RawIOBase, file))
    packed = str(name).lower().endswith(".gz") or begin.peek(2)[:2] == _GZIP
    with _reported(name):
        yield from gzip.GzipFile(fileobj=begin) if packed else begin


def _decoded(lines: Iterator[bytes], path: str | Path, encoding: str) -> Iterator[tuple[int, str]]:
    first = next(lines, b"")
    lines = itertools.chain([first], lines)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        lines, encoding = _narrow(b"".join(lines), path), "utf-8"
    elif first.startswith(codecs.BOM_UTF8):
        encoding = "utf-8"
    for number, raw in enumerate(lines, start=1):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            character = raw[error.start : error.start + 1].decode("cp1252", "replace")
            shown = f"; it is {character!r} in cp1252" if character.isalnum() else ""
            hint = "save it as UTF-8, or name the encoding of judgements with `query_encoding`"
            message = f"byte {error.start + 1} of the line is not {encoding.upper()}{shown}; {hint}"
            raise CorpusError(message, path, number) from None
        if number == 1:
            text = text.removeprefix("\ufeff")
        if "\0" in text:
            raise CorpusError("contains NUL bytes, as UTF-16 does; save it as UTF-8", path, number)
        if text.strip():
            yield number, text


def _narrow(content: bytes, path: str | Path) -> Iterator[bytes]:
    """Return the lines of a UTF-16 text in UTF-8. Raises CorpusError."""
    try:
        return iter(content.decode("utf-16").encode("utf-8", "replace").splitlines(keepends=True))
    except UnicodeDecodeError as error:
        raise CorpusError(f"is not UTF-16 from byte {error.start + 1} on", path) from None


@contextmanager
def _opened(path: str | Path) -> Iterator[IO[bytes]]:
    if str(path) != STANDARD_INPUT:
        with open(path, "rb") as file:
            yield file
    elif sys.stdin is None:
        raise CorpusError("standard input is closed; expected lines from it", path)
    else:
        yield sys.stdin.buffer


@contextmanager
def _reported(path: str | Path) -> Iterator[None]:
    """Raise each error of opening and reading `path` as CorpusError."""
    try:
        yield
    except IsADirectoryError:
        raise CorpusError("is a folder; expected a file", path) from None
    except FileNotFoundError:
        raise CorpusError("does not exist; expected a file", path) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(
            f"is not a complete gzip file ({error}); compress it again or decompress it first", path
        ) from None
    except (OSError, ValueError) as error:  # ValueError: the name has a NUL
        raise CorpusError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path) from None
