"""Read the lines of a text file: plain or compressed with gzip, or standard input."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from resift.retrieval.errors import CorpusError

STANDARD_INPUT = "-"
"""The name that stands for standard input."""
_GZIP = b"\x1f\x8b"  # the first bytes of a gzip file, RFC 1952


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield (1-based line number, text) of each line that is not blank; standard input for "-".

    A gzip file is known by its first bytes or by a name that ends in .gz. A byte order mark at the start is dropped.
    Raises CorpusError if the file cannot be read, is not complete, or is not UTF-8.
    """
    number = 0
    try:
        with _opened(path) as file:
            for number, raw in enumerate(file, start=1):
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                if "\0" in text:
                    raise CorpusError("contains NUL bytes, as UTF-16 does; save it as UTF-8", path, number)
                if text.strip():
                    yield number, text
    except UnicodeDecodeError as error:
        raise CorpusError(f"byte {error.start + 1} of the line is not UTF-8", path, number) from None
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


@contextmanager
def _opened(path: str | Path) -> Iterator[IO[bytes]]:
    """Yield the bytes of `path`, decompressed."""
    if str(path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise CorpusError("standard input is closed; expected lines from it", path)
        stream = sys.stdin.buffer
        yield _unpacked(stream if hasattr(stream, "peek") else io.BufferedReader(stream), by_name=False)  # type: ignore[type-var]
        return
    with open(path, "rb") as file:
        yield _unpacked(file, by_name=str(path).lower().endswith(".gz"))


def _unpacked(file: IO[bytes], *, by_name: bool) -> IO[bytes]:
    begin = file.peek(2)[:2]  # type: ignore[attr-defined]  # a buffered reader has it
    return gzip.GzipFile(fileobj=file) if by_name or begin == _GZIP else file  # type: ignore[return-value]
