"""Decide which segments of an embedded index are merged, and merge them.

A document is written again only when its segment is merged with others of about its size, or when the whole index
doubles or half of it is deleted. So the cost of many small changes is a small multiple of writing each document once.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from resift.indexer.bm25.changes import Writer
from resift.indexer.bm25.ownership import check_nothing_else
from resift.indexer.bm25.segment_writer import write_segment
from resift.indexer.bm25.staging import staged_folder
from resift.retrieval.bm25 import store
from resift.retrieval.errors import IndexingError

MOST_SEGMENTS = 8
"""Segments besides the first one, beyond which some are merged."""


def merge_some(writer: Writer) -> None:
    """Merge some or all of the segments of an index whose changes are committed, if it is time to."""
    base, *added = writer.segments
    outgrown = base.live_count < len(base.live) / 2 or sum(own.live_count for own in added) > len(base.live)
    # The change itself is complete: a disk that is too full for a copy, or another file in the folder, is not an error.
    with suppress(IndexingError):
        if outgrown and writer.documents:
            rebuild(writer)
        elif len(added) > MOST_SEGMENTS:
            writer.merge(similar({own.facts.name: own.live_count for own in added}))
            writer.commit()


def similar(sizes: Mapping[str, int]) -> list[str]:
    """Return the segments to merge: the two smallest, and each next one that is not larger than those together.

    >>> similar({"a": 1000, "b": 9, "c": 10, "d": 18, "e": 90})
    ['b', 'c', 'd']
    """
    names = sorted(sizes, key=sizes.__getitem__)
    total = 0
    chosen: list[str] = []
    for name in names:
        if len(chosen) >= 2 and sizes[name] > total:
            break
        chosen.append(name)
        total += sizes[name]
    return chosen


def rebuild(writer: Writer) -> None:
    """Replace the index by one segment with its live documents, in one step; the writer cannot be used afterwards.

    Raises IndexingError if it cannot be written, or its folder holds other files, which would be lost.
    """
    check_nothing_else(writer.path)
    with staged_folder(writer.path, True, store.is_index, locked=True) as folder:
        write_segment(writer.all_entries(), folder, writer.settings)
