"""Change an embedded index, one process at a time: write segments and lists of deleted documents, then the manifest."""

from __future__ import annotations

import itertools
import json
import secrets
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from resift.indexer.bm25.segment_writer import Passages, SegmentSettings, write_segment
from resift.indexer.bm25.staging import staged_folder, sync
from resift.indexer.lock import locked_folder
from resift.indexer.origin import time_now
from resift.retrieval.atomic_file import write_file
from resift.retrieval.bm25 import store
from resift.retrieval.bm25.segment import Segment, SegmentFacts, segments_of
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.bm25.store import StoredDocuments
from resift.retrieval.errors import EngineError, IndexingError, SettingsError
from resift.retrieval.types import Document

_FETCHED = 1000  # documents read at a time


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Yield the writer of the index at `path`; until the end no other process changes or replaces the index.

    Raises EngineError if there is no index or it is damaged; IndexingError if another process changes it, and on every
    OSError inside the block.
    """
    path = path.resolve()
    store.read_manifest(path)
    try:
        with locked_folder(path):
            try:
                writer = Writer(path)
            except (LookupError, TypeError, ValueError, SettingsError) as error:
                message = f"is damaged ({error}); {store.rebuild_hint(path, replace=True)}"
                raise EngineError(message, f"bm25:{path}") from None
            yield writer
    except OSError as error:
        raise IndexingError(f"{path} cannot be changed: {error.strerror or error}") from None


class Writer:
    """The segments of an index and the changes made so far, which `commit` makes visible at once."""

    def __init__(self, path: Path) -> None:
        """Open the index at `path`, whose lock must be held; call `writing` instead."""
        self.path = path
        self.address = f"bm25:{path}"
        self.manifest = store.read_manifest(path)
        facts = segments_of(path, self.manifest)
        self.can_change = all(segment.can_change for segment in facts)
        self.settings = SegmentSettings(
            Bm25Settings(**self.manifest["settings"]),
            Passages(**self.manifest.get("passages", {})),
            self.manifest.get("source", ""),
            self.manifest.get("created", ""),
        )
        self._facts = facts
        self.segments = [Segment(path, segment) for segment in facts] if self.can_change else []
        self._documents = _document_counts(self.manifest)
        self._changed: set[str] = set()

    @property
    def documents(self) -> int:
        """The number of live documents."""
        return sum(self._documents.values())

    def contains(self, doc_id: str) -> bool:
        """Return whether the index has a document."""
        return any(segment.find(doc_id) for segment in self.segments)

    def holder(self, doc_ids: Sequence[str], part: str) -> str | None:
        """Return the first of `doc_ids` whose document has a `part`, "title" or "text"; None if there is none."""
        for doc_id in doc_ids:
            for segment in self.segments:
                if any(getattr(entry, part).strip() for entry in _fetched(segment.documents, segment.find(doc_id))):
                    return doc_id
        return None

    def delete(self, doc_id: str) -> bool:
        """Delete a document with all its entries; return False if the index does not have it."""
        for segment in self.segments:
            if numbers := segment.find(doc_id):
                segment.live[numbers] = False
                segment.live_count -= len(numbers)
                self._changed.add(segment.facts.name)
                self._documents[segment.facts.name] -= 1
                return True
        return False

    def add(self, documents: Iterable[Document], progress: Callable[[int], None]) -> tuple[int, int]:
        """Write a segment of `documents`, and delete those that they replace; return how many are new and replaced."""
        segment = self._write(map(self.settings.passages.entries, documents), progress)
        ids = itertools.groupby(map(segment.documents.doc_id, range(len(segment.documents))))
        updated = sum(self.delete(doc_id) for doc_id, _ in ids)
        count = int(segment.facts.manifest["documents"])
        self._append(segment)
        return count - updated, updated

    def merge(self, names: Iterable[str]) -> None:
        """Write the live documents of the named segments, which have some, as one segment."""
        wanted = set(names)
        merged = [segment for segment in self.segments if segment.facts.name in wanted]
        segment = self._write(itertools.chain.from_iterable(map(live_entries, merged)))
        self.segments = [own for own in self.segments if own not in merged]
        self._append(segment)

    def all_entries(self) -> Iterator[list[Document]]:
        """Yield the live documents of all segments, each as its entries."""
        if self.can_change:
            yield from itertools.chain.from_iterable(map(live_entries, self.segments))
        else:
            for facts in self._facts:
                documents = StoredDocuments(facts.folder)
                yield from _entries(documents, range(len(documents)))

    def commit(self) -> None:
        """Make the changes visible, and remove the files that the index no longer uses. Raises OSError."""
        self.segments = [own for own in self.segments if own.live_count or not own.facts.name]
        (self.path / store.SEGMENTS).mkdir(exist_ok=True)
        entries = [self._entry(segment) for segment in self.segments]
        sync(self.path / store.SEGMENTS)
        made: dict[str, Any] = {
            name: self.manifest[name] for name in ("created", "source", "passages") if name in self.manifest
        }
        body: dict[str, Any] = {
            "format": store.FORMAT,
            "version": store.CHANGED_VERSION,
            "resift": self.manifest["resift"],
            "build": uuid.uuid4().hex,
            "settings": self.manifest["settings"],
            **made,
            "changed": time_now(),
            "documents": self.documents,
            "base": self.manifest.get("base", self.manifest),
            "segments": entries,
        }
        write_file(self.path / store.MANIFEST, [json.dumps(body, indent=1)])
        sync(self.path)
        self.manifest = body
        self._changed.clear()
        self._remove_unused()

    def _write(
        self, entries: Iterable[Sequence[Document]], progress: Callable[[int], None] = lambda done: None
    ) -> Segment:
        name = f"{store.SEGMENTS}/{secrets.token_hex(8)}"
        with staged_folder(self.path / name, False, lambda _: False) as folder:
            write_segment(entries, folder, self.settings, progress)
        manifest = store.read_manifest(self.path / name)
        return Segment(self.path, SegmentFacts(name, self.path / name, manifest))

    def _append(self, segment: Segment) -> None:
        self.segments.append(segment)
        kept = {own.facts.name for own in self.segments}
        self._documents[segment.facts.name] = int(segment.facts.manifest["documents"])
        self._documents = {name: count for name, count in self._documents.items() if name in kept}

    def _entry(self, segment: Segment) -> dict[str, Any]:
        """Return what the manifest says of a segment, after writing the list of its deleted documents."""
        name = segment.facts.name
        entry: dict[str, Any] = {"folder": name, "documents": self._documents[name], "deleted": None}
        file = segment.facts.deleted
        if name in self._changed:
            file = f"{store.SEGMENTS}/deleted-{secrets.token_hex(8)}.npy"
            np.save(self.path / file, np.flatnonzero(~segment.live).astype(np.int32))
            sync(self.path / file)
        if file:
            entry["deleted"] = {"file": file, "print": store.fingerprint(self.path / file)}
        segment.facts = SegmentFacts(name, segment.facts.folder, segment.facts.manifest, file)
        return entry

    def _remove_unused(self) -> None:
        """Remove what the manifest does not name, as far as possible, including what a killed process left."""
        used = {name for segment in self.segments for name in (segment.facts.name, segment.facts.deleted)}
        for entry in [*(self.path / store.SEGMENTS).iterdir(), *self.path.glob(f".{store.MANIFEST}.*")]:
            if entry.relative_to(self.path).as_posix() not in used:
                shutil.rmtree(entry, ignore_errors=True)
                with suppress(OSError):
                    entry.unlink(missing_ok=True)


def live_entries(segment: Segment) -> Iterator[list[Document]]:
    """Yield the live documents of a segment in order, each as its entries. Raises EngineError on a damaged file."""
    return _entries(segment.documents, np.flatnonzero(segment.live).tolist())


def _entries(documents: StoredDocuments, numbers: Sequence[int]) -> Iterator[list[Document]]:
    for _, group in itertools.groupby(_fetched(documents, numbers), key=lambda document: document.doc_id):
        yield list(group)


def _fetched(documents: StoredDocuments, numbers: Sequence[int]) -> Iterator[Document]:
    for start in range(0, len(numbers), _FETCHED):
        try:
            yield from documents.fetch(numbers[start : start + _FETCHED])
        except (IndexError, ValueError, KeyError) as error:
            raise EngineError(f"its documents are damaged ({error}); build the index again") from error


def _document_counts(manifest: dict[str, Any]) -> dict[str, int]:
    """Return segment name -> number of its live documents."""
    if manifest["version"] == store.VERSION:
        return {"": int(manifest["documents"])}
    return {entry["folder"]: int(entry["documents"]) for entry in manifest["segments"]}
