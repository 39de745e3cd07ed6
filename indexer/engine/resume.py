"""The source of a load: fingerprint it, check that it is readable, and skip what was already loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from resift.retrieval.errors import IndexingError
from resift.retrieval.text_lines import STANDARD_INPUT
from resift.retrieval.types import Document


def check_readable(documents: Iterable[Document]) -> Iterable[Document]:
    """Read the first document, so that an unreadable source fails before an index is changed; return all documents.

    Raises IndexingError if there are none, and what `documents` raise.
    """
    rest = iter(documents)
    first = list(islice(rest, 1))
    if not first:
        raise IndexingError("the source has no documents; expected at least one")
    return chain(first, rest)


def skip_loaded(entries: Iterable[Document], count: int) -> Iterator[Document]:
    """Yield the entries after the first `count`. Raises IndexingError if there are fewer."""
    rest = iter(entries)
    skipped = sum(1 for _ in islice(rest, count))
    if skipped < count:
        raise IndexingError(f"the checkpoint counts {count} entries, but the source has {skipped}; load it again")
    yield from rest


def fingerprint(source: str, resume: bool = False) -> str:
    """Return a text that changes with the source: its path, its size in bytes and its modification time.

    Raises IndexingError if `resume` is set for standard input, which cannot be read again.
    """
    if source == STANDARD_INPUT:
        if resume:
            raise IndexingError(
                "standard input cannot be read again, so a load of it cannot be resumed; load from a file"
            )
        return source
    path = Path(source)
    if not path.exists():
        return source
    if path.is_dir():
        files = [(str(file), file.stat()) for file in sorted(path.rglob("*"))]
        listing = "".join(f"{name} {one.st_size} {one.st_mtime_ns}\n" for name, one in files)
        return f"{path.resolve()}, {len(files)} files {hashlib.sha256(listing.encode()).hexdigest()[:16]}"
    facts = path.stat()
    return f"{path.resolve()}, {facts.st_size} bytes, {facts.st_mtime_ns}"
