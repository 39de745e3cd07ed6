"""One segment of an embedded index: its files, and which of its documents are deleted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.retrieval.bm25 import store
from resift.retrieval.bm25.id_order import in_id_order, numbers_of
from resift.retrieval.bm25.store import StoredDocuments, StoredVocabulary, load_array
from resift.retrieval.errors import EngineError

_NAME = re.compile(rf"{store.SEGMENTS}/[\w-]+")
_DELETED_NAME = re.compile(rf"{store.SEGMENTS}/[\w-]+\.npy")


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """Where a segment is and what its manifest says.

    `name` is its folder relative to the index, "" for the first one; `deleted` is the file with the numbers of its
    deleted documents, relative to the index, "" if none is.
    """

    name: str
    folder: Path
    manifest: dict[str, Any]
    deleted: str = ""

    @property
    def can_change(self) -> bool:
        """Whether the segment has the files that a search beside other segments needs."""
        return all(name in self.manifest.get("files", {}) for name in store.CHANGE_FILES)


def segments_of(path: Path, manifest: dict[str, Any]) -> list[SegmentFacts]:
    """Return the segments of the index at `path`, after a check of their files; the first one is the oldest.

    Raises EngineError on a segment that is missing or damaged.
    """
    if manifest["version"] == store.VERSION:
        store.check_files(path, manifest, path)
        return [SegmentFacts("", path, manifest)]
    try:
        return [_segment_of(path, manifest, entry) for entry in manifest["segments"]]
    except (KeyError, TypeError, ValueError) as error:
        message = f"its {store.MANIFEST} is damaged ({error}); {store.rebuild_hint(path, replace=True)}"
        raise EngineError(message, f"bm25:{path}") from None


def _segment_of(path: Path, manifest: dict[str, Any], entry: dict[str, Any]) -> SegmentFacts:
    name = entry["folder"]
    if name and not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a segment")
    own = _own_manifest(path, name) if name else manifest["base"]
    store.check_files(path / name, own, path)
    deleted = entry["deleted"]
    if deleted is None:
        return SegmentFacts(name, path / name, own)
    if not _DELETED_NAME.fullmatch(deleted["file"]):
        raise ValueError(f"{deleted['file']!r} is not a list of deleted documents")
    store.check_file(path / deleted["file"], deleted["print"], path)
    return SegmentFacts(name, path / name, own, deleted["file"])


def _own_manifest(path: Path, name: str) -> dict[str, Any]:
    try:
        return store.read_manifest(path / name)
    except EngineError:
        message = f"{name} is missing or damaged; {store.rebuild_hint(path, replace=True)}"
        raise EngineError(message, f"bm25:{path}") from None


class Segment:
    """The files of one segment, mapped into memory."""

    def __init__(self, path: Path, facts: SegmentFacts) -> None:
        """Map the files of a segment of the index at `path`; those of CHANGE_FILES must exist."""
        self.facts = facts
        self._path = path
        self.documents = StoredDocuments(facts.folder)
        self.indices: NDArray[np.int32] = load_array(facts.folder / store.INDICES)
        self.frequencies: NDArray[Any] = load_array(facts.folder / store.FREQUENCIES)
        self.lengths: NDArray[np.int32] = load_array(facts.folder / store.LENGTHS)
        self.ranks: NDArray[np.int32] = load_array(facts.folder / store.ID_RANKS)
        self.live = np.ones(len(self.ranks), np.bool_)
        if facts.deleted:
            self.live[load_array(path / facts.deleted)] = False
        self.live_count = int(np.count_nonzero(self.live))
        self._indptr = load_array(facts.folder / store.INDPTR).data
        self._vocabulary = StoredVocabulary(facts.folder)

    def term(self, term: str) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Return the numbers of the live documents with `term`, int32 [n], and its occurrences in each, [n]."""
        number = self._vocabulary.number(term)
        start, stop = (0, 0) if number is None else self._indptr[number : number + 2].tolist()
        documents, occurrences = self.indices[start:stop], self.frequencies[start:stop]
        if self.live_count == len(self.live):
            return documents, occurrences
        kept = self.live[documents]
        return documents[kept], occurrences[kept]

    @cached_property
    def _in_order(self) -> NDArray[np.int64]:
        """The numbers of all documents in ascending order of their ids, int64 [documents]."""
        return in_id_order(self.ranks)

    def find(self, doc_id: str) -> list[int]:
        """Return the numbers of the live entries with an id: one, several if the document is split, or none.

        Raises EngineError on a damaged file.
        """
        try:
            found = numbers_of(doc_id, self._in_order, self.documents.doc_id)
        except (ValueError, IndexError) as error:
            message = f"is damaged ({error}); {store.rebuild_hint(self._path, replace=True)}"
            raise EngineError(message, f"bm25:{self._path}") from None
        return [number for number in found if self.live[number]]
