"""What a load reads: told from other sources, begun before anything is touched, and gone on with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from resift.retrieval.errors import IndexingError
from resift.retrieval.types import Document


def begun(documents: Iterable[Document]) -> Iterable[Document]:
    """Read the first document, so that a source that cannot be read costs no index; return all of them."""
    rest = iter(documents)
    first = list(islice(rest, 1))
    if not first:
        raise IndexingError("there is no document to load")
    return chain(first, rest)


def behind(entries: Iterable[Document], count: int) -> Iterator[Document]:
    """Yield the entries behind the first `count`. Raises IndexingError where there are fewer."""
    rest = iter(entries)
    passed = sum(1 for _ in islice(rest, count))
    if passed < count:
        raise IndexingError(f"the checkpoint counts {count} entries, and the source has {passed}; load afresh")
    yield from rest


def name_source(source: str, resume: bool = False) -> str:
    """Return what tells a source from another, and from itself once it has changed: path, size and time.

    Raises IndexingError where `resume` asks for a stream, which cannot be read again.
    """
    if source == "-":
        if resume:
            raise IndexingError("standard input cannot be read again, so there is nothing to resume; load from a file")
        return source
    path = Path(source)
    if not path.exists():
        return source
    if path.is_dir():
        files = [(str(file), file.stat()) for file in sorted(path.rglob("*"))]
        facts_of_all = "".join(f"{name} {one.st_size} {one.st_mtime_ns}\n" for name, one in files)
        return f"{path.resolve()}, {len(files)} files {hashlib.sha256(facts_of_all.encode()).hexdigest()[:16]}"
    facts = path.stat()
    return f"{path.resolve()}, {facts.st_size} bytes, {facts.st_mtime_ns}"
