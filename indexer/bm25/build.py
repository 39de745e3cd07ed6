"""Build and save an embedded index."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from resift.indexer.bm25.ownership import check_nothing_else
from resift.indexer.bm25.segment_writer import Passages, SegmentSettings, write_segment
from resift.indexer.bm25.staging import staged_folder
from resift.retrieval.bm25 import store
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document


@dataclass(frozen=True, slots=True)
class IndexReport:
    """The size of a new index and the time that it took.

    `documents`, `tokens` and `vocabulary` (distinct terms) are counts; `seconds` is wall-clock time; `bytes` is the
    size on disk.
    """

    documents: int
    tokens: int
    vocabulary: int
    seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What else decides about a new index: how documents are split, and the name of their `source`, "" if unknown."""

    passages: Passages = Passages()
    source: str = ""


def build_index(
    documents: Iterable[Document],
    path: str | Path,
    settings: Bm25Settings | None = None,
    *,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
    options: BuildOptions | None = None,
) -> IndexReport:
    """Write an index of `documents` to the folder `path`, atomically.

    `documents` is read once and not kept in memory. Title and text are indexed as one text, joined by a space, and
    analyzed and scored by `settings` (English, k1 1.2, b 0.75 by default). They are stored as they are, unless
    `options` split them into passages; HTML in them is not indexed.
    `progress` is called with the number of documents read so far. If the build fails or the process is killed, an
    existing index at `path` is unchanged. Time is linear in the number of tokens; memory depends only on the distinct
    words and the document ids.

    Raises CorpusError if there are no documents, an id is empty or occurs twice, or fields cannot be written as JSON;
    IndexingError if `path` exists (with `overwrite`: and is not an index, or holds other files beside it), cannot be
    written or the disk is full.
    """
    started = time.perf_counter()
    options = options or BuildOptions()
    plan = SegmentSettings(settings or Bm25Settings(), options.passages, options.source)
    entries = map(options.passages.entries, reraise_read_errors(documents))
    if overwrite and store.is_index(Path(path)):
        check_nothing_else(Path(path))
    with staged_folder(Path(path), overwrite, store.is_index) as folder:
        facts = write_segment(entries, folder, plan, progress or (lambda done: None))
        size = sum(file.stat().st_size for file in folder.iterdir())
    return IndexReport(facts["documents"], facts["tokens"], facts["vocabulary"], time.perf_counter() - started, size)


def reraise_read_errors(documents: Iterable[Document]) -> Iterator[Document]:
    """Yield `documents`, with OSError as CorpusError, so that a read error is not reported as a write error."""
    try:
        yield from documents
    except OSError as error:
        raise CorpusError(f"the documents cannot be read: {error}") from None
