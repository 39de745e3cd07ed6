"""Add, replace and delete documents of an embedded index, without building it again.

An addition writes a new segment; documents that are replaced or deleted stay in their segments and are listed as
deleted. Then the manifest is replaced, atomically: a process that is killed before leaves the old index, and what it
wrote is removed by the next change. Readers keep the index that they opened. Segments are merged when they are many,
and all of them when the added or the deleted documents outnumber the others (`merging.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from resift.indexer.bm25.build import reraise_read_errors
from resift.indexer.bm25.changes import Writer, writing
from resift.indexer.bm25.merging import merge_some, rebuild
from resift.indexer.replacing import check_nothing_lost
from resift.indexer.update_report import UpdateReport
from resift.retrieval.types import Document


@dataclass(frozen=True, slots=True)
class AddOptions:
    """How to add documents.

    `if_absent`: keep a document that is in the index already, instead of replacing it. `replace_whole`: replace
    documents also if that loses their titles or texts. `progress` is called with the number of documents read so far.
    """

    if_absent: bool = False
    replace_whole: bool = False
    progress: Callable[[int], None] = lambda done: None


def add_documents(path: str | Path, documents: Iterable[Document], options: AddOptions | None = None) -> UpdateReport:
    """Add `documents` to the index at `path`; one whose id exists is replaced, with all its passages.

    They are analyzed, scored and split as those of the index are. Either all are added or none. `options`: what happens
    to existing documents, and what is called with the progress.

    Raises EngineError if there is no index or it is damaged; CorpusError if an id is empty or occurs twice;
    IndexingError if another process changes the index, or it cannot be written, or replaced documents would lose all
    their titles or texts.
    """
    started = time.perf_counter()
    options = options or AddOptions()
    existing: list[str] = []
    with _changing(Path(path)) as writer:
        wanted = _wanted(writer, documents, existing) if options.if_absent else reraise_read_errors(documents)
        if not (options.if_absent or options.replace_whole):
            wanted = check_nothing_lost(wanted, writer.holder)
        first = next(wanted, None)
        created = updated = 0
        if first is not None:
            created, updated = writer.add(chain([first], wanted), options.progress)
            writer.commit()
            merge_some(writer)
        return UpdateReport(
            writer.address, created, updated, len(existing),
            documents=writer.documents, seconds=time.perf_counter() - started,
        )  # fmt: skip


def _wanted(writer: Writer, documents: Iterable[Document], existing: list[str]) -> Iterator[Document]:
    """Yield those of `documents` that the index does not have; the ids of the others are added to `existing`."""
    for document in reraise_read_errors(documents):
        if writer.contains(document.doc_id):
            existing.append(document.doc_id)
        else:
            yield document


def delete_documents(path: str | Path, doc_ids: Iterable[str]) -> UpdateReport:
    """Delete the documents with `doc_ids` from the index at `path`, with all their passages.

    An id that the index does not have is counted as missing. Raises EngineError if there is no index or it is damaged;
    IndexingError if another process changes the index, or it cannot be written.
    """
    started = time.perf_counter()
    with _changing(Path(path)) as writer:
        unique = dict.fromkeys(doc_ids)
        deleted = sum(writer.delete(doc_id) for doc_id in unique)
        if deleted:
            writer.commit()
            merge_some(writer)
        return UpdateReport(
            writer.address, deleted=deleted, missing=len(unique) - deleted,
            documents=writer.documents, seconds=time.perf_counter() - started,
        )  # fmt: skip


def optimize_index(path: str | Path) -> UpdateReport:
    """Merge the segments of the index at `path` into one without deleted documents, as if it were built anew.

    Searches are a little faster afterwards. Raises EngineError if there is no index or it is damaged; IndexingError if
    another process changes the index, or it cannot be written.
    """
    started = time.perf_counter()
    with writing(Path(path)) as writer:
        if writer.documents:
            rebuild(writer)
        return UpdateReport(writer.address, documents=writer.documents, seconds=time.perf_counter() - started)


@contextmanager
def _changing(path: Path) -> Iterator[Writer]:
    """Yield the writer of an index; one of an earlier resift, whose files do not suffice, is built anew before."""
    with writing(path) as writer:
        if writer.can_change:
            yield writer
            return
        rebuild(writer)
    with writing(path) as writer:
        yield writer
