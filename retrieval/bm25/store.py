"""The files of an embedded index: their names, the manifest with their checksums, documents and vocabulary.

An index that was changed has further segments, each a folder with the same files under SEGMENTS, and one file for each
segment with the numbers of its deleted documents; its manifest names them, and contains the manifest of the first
segment, whose files lie beside it. Only the manifest is ever replaced.

`data`, `indices`, `indptr`, `vocab` and `params` have the format in which bm25s saves an index, so that
`bm25s.BM25.load` opens the same folder. The large files are memory-mapped: opening takes milliseconds for any size, and
processes share the pages.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import threading
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.retrieval.errors import EngineError
from resift.retrieval.types import Document

FORMAT = "resift-bm25"
VERSION = 1
CHANGED_VERSION = 2
"""The version of the manifest of an index with several segments or deleted documents."""
MANIFEST = "manifest.json"
SEGMENTS = "segments"
DATA = "data.csc.index.npy"  # float32 [postings]: what each posting adds to a score, term after term
INDICES = "indices.csc.index.npy"  # int32 [postings]: the document number of each, ascending within a term
INDPTR = "indptr.csc.index.npy"  # int64 [terms + 1]: the position of each term's first posting
TERM_MAX = "term_max.npy"  # float32 [terms]: the largest of each term's data
VOCABULARY = "vocab.index.json"  # one JSON object, one line per term, sorted by the encoded term
VOCABULARY_OFFSETS = "vocab.offsets.npy"  # int64 [terms + 1]: the byte offset of each line
PARAMS = "params.index.json"
DOCUMENTS = "documents.jsonl"
DOCUMENT_OFFSETS = "documents.offsets.npy"  # int64 [documents + 1]: the byte offset of each line
ID_RANKS = "documents.ranks.npy"  # int32 [documents]: the position of each document in ascending order of doc_id
FREQUENCIES = "frequencies.npy"  # uint8, uint16 or uint32 [postings]: the occurrences of the term in the document
LENGTHS = "documents.lengths.npy"  # int32 [documents]: the number of indexed tokens of each document
FILES = (
    DATA, INDICES, INDPTR, TERM_MAX, VOCABULARY, VOCABULARY_OFFSETS, PARAMS, DOCUMENTS, DOCUMENT_OFFSETS, ID_RANKS,
)  # fmt: skip
"""The files of every index."""
CHANGE_FILES = (FREQUENCIES, LENGTHS)
"""Files that only changes of an index need; an index of an earlier resift lacks them."""

_ID = re.compile(rb'\{"doc_id": ("(?:[^"\\]|\\.)*+")')  # the beginning of a line of DOCUMENTS
_SAMPLE = 4096  # bytes
_CACHE_SIZE = 1 << 16  # terms
_HEADERS = threading.Lock()  # NumPy parses headers with `ast`, which is not safe in threads before Python 3.11.8


def rebuild_hint(path: Path, replace: bool = False) -> str:
    """Return the end of an error message: the command that builds the index at `path`, or replaces a damaged one."""
    if replace:
        return f"build it with `resift index SOURCE --to bm25:{path} --overwrite`"
    return f"build it with `resift index SOURCE --to bm25:{path}`"


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Write the manifest of the finished files in `folder`: `facts`, and the size and sampled checksum of each file."""
    files = {name: fingerprint(folder / name) for name in (*FILES, *CHANGE_FILES)}
    body = {"format": FORMAT, "version": VERSION, **facts, "files": files}
    (folder / MANIFEST).write_text(json.dumps(body, indent=1), encoding="utf-8")


def is_index(path: Path) -> bool:
    """Return whether `path` is a folder with an embedded index, of any version, damaged or not.

    A folder whose manifest cannot be read is one if it has all other files.
    """
    try:
        body = json.loads((path / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return all((path / name).is_file() for name in FILES)
    return isinstance(body, dict) and body.get("format") == FORMAT


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of the index at `path`.

    Raises EngineError if there is no index or this version cannot read it; the message says what to do.
    """
    try:
        body = json.loads((path / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        found = "is not an index" if path.exists() else "does not exist"
        raise EngineError(f"{found}; {rebuild_hint(path)}", f"bm25:{path}") from None
    except (ValueError, RecursionError):
        raise EngineError(f"its {MANIFEST} is damaged; {rebuild_hint(path)}", f"bm25:{path}") from None
    except OSError as error:
        raise EngineError(f"cannot be read: {error.strerror}", f"bm25:{path}") from None
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise EngineError(f"is not an index of resift; {rebuild_hint(path)}", f"bm25:{path}")
    if body.get("version") not in (VERSION, CHANGED_VERSION):
        message = f"has format version {body.get('version')}, expected {VERSION}; {rebuild_hint(path, replace=True)}"
        raise EngineError(message, f"bm25:{path}")
    return body


def check_files(path: Path, manifest: dict[str, Any], index: Path) -> None:
    """Compare the size and sampled checksum of a segment's files with its manifest, in a time independent of the sizes.

    `index` is the index that the segment at `path` belongs to.

    Raises EngineError on a file that is missing, has another size or differs in a sampled block.
    """
    listed = manifest.get("files")
    listed = listed if isinstance(listed, dict) else {}
    for name in (*FILES, *(name for name in CHANGE_FILES if name in listed)):
        check_file(path / name, listed.get(name), index)


def check_file(path: Path, expected: object, index: Path) -> None:
    """Raise EngineError if a file of `index` is missing, or has not the size and sampled checksum `expected`."""
    try:
        same = expected == fingerprint(path)
    except (OSError, ValueError):
        same = False
    if not same:
        message = f"{path.name} is missing or damaged; {rebuild_hint(index, replace=True)}"
        raise EngineError(message, f"bm25:{index}")


def fingerprint(path: Path) -> dict[str, int]:
    """Return a file's size in bytes and the CRC-32 of its first, middle and last 4 KiB. Raises OSError."""
    size = os.stat(path).st_size
    crc = 0
    with path.open("rb", buffering=0) as file:
        for start in (0, size // 2, max(0, size - _SAMPLE)):
            file.seek(start)
            crc = zlib.crc32(file.read(_SAMPLE), crc)
    return {"bytes": size, "crc32_sampled": crc}


def load_array(path: Path) -> NDArray[Any]:
    """Map a .npy file into memory, read-only; an array without elements cannot be mapped and is loaded."""
    with _HEADERS:
        mapped = np.load(path, mmap_mode="r" if os.stat(path).st_size > 128 else None, allow_pickle=False)
    return np.asarray(mapped)  # a plain array: slices of np.memmap are ten times slower


def _map_bytes(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class StoredDocuments:
    """The documents of a segment by number, read from the memory map on request."""

    def __init__(self, path: Path) -> None:
        """Map the files under `path`."""
        self._bytes = _map_bytes(path / DOCUMENTS)
        self._offsets = load_array(path / DOCUMENT_OFFSETS).data  # a memoryview: faster access to single numbers

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def doc_id(self, number: int) -> str:
        """Return the id of one document, without reading the rest. Raises ValueError on a damaged file."""
        found = _ID.match(self._bytes, self._offsets[number])
        if found is None:
            raise ValueError(f"document {number} has no id")
        doc_id: str = json.loads(found[1])
        return doc_id

    def fetch(self, numbers: Sequence[int]) -> list[Document]:
        """Return the documents with these numbers, in the given order.

        Raises IndexError, KeyError or ValueError on a damaged file.
        """
        offsets = self._offsets
        lines = [self._bytes[offsets[number] : offsets[number + 1] - 1] for number in numbers]
        entries = json.loads(b"[" + b",".join(lines) + b"]")  # one call takes half the time of one per document
        return [
            Document(entry["doc_id"], entry["text"], entry.get("title", ""), entry.get("fields", {}))
            for entry in entries
        ]


def encode_term(term: str) -> bytes:
    """Return `term` as JSON: the start of its line in the vocabulary, which is sorted by these bytes."""
    return json.dumps(term).encode("ascii")


class StoredVocabulary:
    """The numbers of an index's terms, found by bisection in the memory map (about 5 µs for 100,000 terms)."""

    def __init__(self, path: Path) -> None:
        """Map the files under `path`."""
        self._bytes = _map_bytes(path / VOCABULARY)
        self._offsets = load_array(path / VOCABULARY_OFFSETS).data
        self._cache: dict[str, int | None] = {}

    def number(self, term: str) -> int | None:
        """Return the number of `term`; None if no document has the term."""
        try:
            return self._cache[term]
        except KeyError:
            found = self._search(encode_term(term))
        if len(self._cache) >= _CACHE_SIZE:
            self._cache.clear()
        self._cache[term] = found
        return found

    def _search(self, key: bytes) -> int | None:
        lines = range(len(self._offsets) - 1)
        place = bisect_left(lines, key, key=lambda line: self._line(line)[0])
        if place == len(lines):
            return None
        found, number = self._line(place)
        return number if found == key else None

    def _line(self, line: int) -> tuple[bytes, int]:
        """Return the encoded term and the number of one line, which looks like `"term": 12,`."""
        key, _, number = self._bytes[self._offsets[line] : self._offsets[line + 1]].rpartition(b": ")
        return key, int(number.rstrip(b",}\n"))
