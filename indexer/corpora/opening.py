"""Open a file, or standard input, as bytes; compressed ones are decompressed, whatever their names are."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from resift.indexer.corpora.reading import Reading
from resift.retrieval.errors import CorpusError
from resift.retrieval.text_lines import STANDARD_INPUT

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
"""Ends of the names of compressed files; what a file is, its first bytes decide."""
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)
_ZIP = b"PK\x03\x04"
_LONGEST_SIGNATURE = 6
_PEEKED = 2**13  # bytes; no more than a buffer has


def _open_zstd(file: IO[bytes]) -> Any:  # noqa: ANN401 - a file of one of two libraries
    for module, name in (("compression.zstd", "ZstdFile"), ("zstandard", "open")):  # Python 3.14's own, and a package
        try:
            opener = getattr(importlib.import_module(module), name)
        except ImportError:
            continue
        return opener(file, "rb")
    raise CorpusError("is compressed with Zstandard, which needs Python 3.14 or the package zstandard; decompress it")


_OPENERS: dict[bytes, tuple[str, Callable[[IO[bytes]], Any]]] = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    b"BZh": ("bzip2", lambda file: bz2.BZ2File(file)),
    b"\xfd7zXZ\x00": ("xz", lambda file: lzma.LZMAFile(file)),
    b"\x28\xb5\x2f\xfd": ("Zstandard", _open_zstd),
}
"""First bytes of a compressed file -> the name of its format, and what opens it."""


@contextmanager
def open_bytes(path: str, reading: Reading | None = None) -> Iterator[io.BufferedReader]:
    """Yield a binary file, decompressed if it is compressed; standard input for "-".

    `reading` measures the progress. Raises CorpusError if the path does not exist, is not a file, cannot be read, is a
    ZIP archive, or is not a complete compressed file.
    """
    kind = "compressed"
    try:
        with _raw(path) as file:
            if reading is not None and path != STANDARD_INPUT:
                reading.follow(file)
            begin = file.peek(_LONGEST_SIGNATURE)[:_LONGEST_SIGNATURE]
            if begin.startswith(_ZIP):
                raise CorpusError("is a ZIP archive, as .xlsx files are; unpack it, or save the table as CSV", path)
            kind, opener = next((way for sign, way in _OPENERS.items() if begin.startswith(sign)), (kind, None))
            if opener is None:
                yield file
                return
            with opener(file) as unpacked:
                yield io.BufferedReader(unpacked)
    except IsADirectoryError:
        raise CorpusError("is a folder; expected a file", path) from None
    except FileNotFoundError:
        raise CorpusError("does not exist; expected a file", path) from None
    except _BROKEN as error:
        raise CorpusError(f"is not a complete {kind} file ({error}); compress or decompress it again", path) from None
    except OSError as error:  # of bzip2 too
        raise CorpusError(f"cannot be read: {error.strerror or error}", path) from None


def peek_bytes(path: str) -> bytes:
    """Return the first bytes of a file, decompressed, without reading them from standard input for "-".

    Raises CorpusError as `open_bytes` does.
    """
    if path != STANDARD_INPUT:
        with open_bytes(path) as file:
            return file.peek(_PEEKED)[:_PEEKED]
    with _raw(path) as file:
        begin = file.peek(_PEEKED)[:_PEEKED]
    opener = next((opener for sign, (_, opener) in _OPENERS.items() if begin.startswith(sign)), None)
    if opener is None:
        return begin
    try:
        found: bytes = opener(io.BytesIO(begin)).read1(_PEEKED)
    except (*_BROKEN, OSError):
        return b""
    return found


@contextmanager
def _raw(path: str) -> Iterator[io.BufferedReader]:
    if path != STANDARD_INPUT:
        with open(path, "rb") as file:
            yield file
    elif sys.stdin is None:
        raise CorpusError("standard input is closed; expected documents from it", path)
    else:
        yield _buffered(sys.stdin.buffer)


_standard_input: list[tuple[object, io.BufferedReader]] = []  # one buffer per standard input, which peeking fills


def _buffered(stream: Any) -> io.BufferedReader:  # noqa: ANN401 - a test may replace standard input by any binary file
    if isinstance(stream, io.BufferedReader):
        return stream
    if not _standard_input or _standard_input[0][0] is not stream:
        _standard_input[:] = [(stream, io.BufferedReader(stream))]
    return _standard_input[0][1]


def without_compression(name: str) -> str:
    """Return a file's name without the end that says how it is compressed.

    >>> without_compression("Corpus.JSONL.gz")
    'Corpus.JSONL'
    """
    end = Path(name).suffix
    return name.removesuffix(end) if end.lower() in COMPRESSIONS else name


def check_file(path: str) -> None:
    """Raise CorpusError if `path` is a folder or does not exist; a pipe counts as a file."""
    try:
        missing = path != STANDARD_INPUT and not Path(path).exists()
        folder = not missing and Path(path).is_dir()
    except OSError as error:
        raise CorpusError(f"cannot be read: {error.strerror}", path[:200]) from None
    if missing or folder:
        raise CorpusError(f"{'is a folder' if folder else 'does not exist'}; expected a file", path)
