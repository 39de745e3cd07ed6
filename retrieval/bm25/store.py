"""The files of an embedded index: their names, the manifest that vouches for them, documents and vocabulary.

`data`, `indices`, `indptr`, `vocab` and `params` are bm25s's own saved layout, so that `bm25s.BM25.load` opens the
same folder. Everything is memory-mapped: opening costs milliseconds whatever the size, and processes share pages.
"""

from __future__ import annotations

import json
import mmap
import os
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
MANIFEST = "manifest.json"
DATA = "data.csc.index.npy"  # float32 [postings]: what each occurrence adds to a score, term after term
INDICES = "indices.csc.index.npy"  # int32 [postings]: the document of each, ascending within a term
INDPTR = "indptr.csc.index.npy"  # int64 [terms + 1]: where each term's postings begin
TERM_MAX = "term_max.npy"  # float32 [terms]: the largest of each term's data
VOCABULARY = "vocab.index.json"  # one JSON object, a line a term, sorted by the encoded term
VOCABULARY_OFFSETS = "vocab.offsets.npy"  # int64 [terms + 1]: where each line begins, in bytes
PARAMS = "params.index.json"
DOCUMENTS = "documents.jsonl"
DOCUMENT_OFFSETS = "documents.offsets.npy"  # int64 [documents + 1], in bytes
ID_RANKS = "documents.ranks.npy"  # int32 [documents]: each document's place in ascending order of doc_id
FILES = (
    DATA, INDICES, INDPTR, TERM_MAX, VOCABULARY, VOCABULARY_OFFSETS, PARAMS, DOCUMENTS, DOCUMENT_OFFSETS, ID_RANKS,
)  # fmt: skip

_SAMPLE = 4096  # bytes
_REMEMBERED = 1 << 16  # terms


def rebuild_hint(path: Path) -> str:
    """Return what to do about an index that cannot be used."""
    return f"build it with `resift index SOURCE --to bm25:{path}`"


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Write the manifest of the finished files in `folder`: `facts`, and each file's size and sampled checksum."""
    files = {name: _fingerprint(folder / name) for name in FILES}
    body = {"format": FORMAT, "version": VERSION, **facts, "files": files}
    (folder / MANIFEST).write_text(json.dumps(body, indent=1), encoding="utf-8")


def is_index(path: Path) -> bool:
    """Tell whether `path` is a folder with an embedded index, of whatever version, sound or not."""
    try:
        body = json.loads((path / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("format") == FORMAT


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of the index at `path`.

    Raises EngineError where there is no index, or one that this version cannot read; the text says what to do.
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
    if body.get("version") != VERSION:
        message = f"has format version {body.get('version')}, expected {VERSION}; {rebuild_hint(path)} --overwrite"
        raise EngineError(message, f"bm25:{path}")
    return body


def check_files(path: Path, manifest: dict[str, Any]) -> None:
    """Compare every file's size and sampled checksum with the manifest, in time that no size changes.

    Raises EngineError on a file that is missing, cut or altered where the samples fall.
    """
    for name in FILES:
        try:
            same = manifest["files"][name] == _fingerprint(path / name)
        except (OSError, KeyError, TypeError, ValueError):
            same = False
        if not same:
            message = f"{name} is missing, cut or altered; {rebuild_hint(path)} --overwrite"
            raise EngineError(message, f"bm25:{path}")


def _fingerprint(path: Path) -> dict[str, int]:
    """Return a file's size in bytes and the CRC-32 of its first, middle and last 4 KiB."""
    size = os.stat(path).st_size
    crc = 0
    with path.open("rb", buffering=0) as file:
        for start in (0, size // 2, max(0, size - _SAMPLE)):
            file.seek(start)
            crc = zlib.crc32(file.read(_SAMPLE), crc)
    return {"bytes": size, "crc32_sampled": crc}


def load_array(path: Path) -> NDArray[Any]:
    """Map a .npy file into memory, read-only; an empty one is loaded, as nothing can be mapped."""
    mapped = np.load(path, mmap_mode="r" if os.stat(path).st_size > 128 else None, allow_pickle=False)
    return np.asarray(mapped)  # a plain view: np.memmap slices ten times slower


def _map_bytes(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class StoredDocuments:
    """The documents of an index by number, read from the map when asked for."""

    def __init__(self, path: Path) -> None:
        """Map the files under `path`."""
        self._bytes = _map_bytes(path / DOCUMENTS)
        self._offsets = load_array(path / DOCUMENT_OFFSETS).data  # a memoryview: single numbers come out faster

    def fetch(self, numbers: Sequence[int]) -> list[Document]:
        """Return the documents of these numbers, in the given order."""
        offsets = self._offsets
        lines = [self._bytes[offsets[number] : offsets[number + 1] - 1] for number in numbers]
        entries = json.loads(b"[" + b",".join(lines) + b"]")  # one call: half the time of one a document
        return [
            Document(entry["doc_id"], entry["text"], entry.get("title", ""), entry.get("fields", {}))
            for entry in entries
        ]


def encode_term(term: str) -> bytes:
    """Return a term as a line of the vocabulary begins; the vocabulary is sorted by it."""
    return json.dumps(term).encode("ascii")


class StoredVocabulary:
    """The terms of an index and their numbers, found by bisection in the map (about 5 µs for 100,000 terms)."""

    def __init__(self, path: Path) -> None:
        """Map the files under `path`."""
        self._bytes = _map_bytes(path / VOCABULARY)
        self._offsets = load_array(path / VOCABULARY_OFFSETS).data
        self._known: dict[str, int | None] = {}

    def number(self, term: str) -> int | None:
        """Return the number of `term`; None where no document has it."""
        try:
            return self._known[term]
        except KeyError:
            found = self._search(encode_term(term))
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[term] = found
        return found

    def _search(self, key: bytes) -> int | None:
        lines = range(len(self._offsets) - 1)
        place = bisect_left(lines, key, key=lambda line: self._line(line)[0])
        if place == len(lines):
            return None
        found, number = self._line(place)
        return number if found == key else None

    def _line(self, line: int) -> tuple[bytes, int]:
        """Return the encoded term and the number that stand on a line: `"term": 12,`."""
        key, _, number = self._bytes[self._offsets[line] : self._offsets[line + 1]].rpartition(b": ")
        return key, int(number.rstrip(b",}\n"))
