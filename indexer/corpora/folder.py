"""Read a folder of text, Markdown, HTML or PDF files, or a single such file: one document per file."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from resift.indexer.corpora.opening import open_bytes, without_compression
from resift.indexer.corpora.pages import KINDS, read_page
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.record import Record
from resift.indexer.corpora.settings import CorpusSettings
from resift.retrieval.errors import CorpusError
from resift.retrieval.text_lines import STANDARD_INPUT
from resift.retrieval.wording import counted

_OWN = ("id", "title", "text", "path")  # names of what a file has by itself: its front matter cannot replace them
_LARGEST = 2**29  # bytes of a file that is read as one document


def read_folder(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each text, Markdown, HTML or PDF file below `path`, in the order of their paths.

    The id is the path relative to the folder, or to `settings.root`, with slashes; the title comes from the front
    matter, the first heading, the HTML page or the PDF's properties. Hidden files and folders are ignored; empty files,
    and files with another extension, are left out and counted. Links to folders are not followed. Raises CorpusError if
    a file is not below `settings.root`, or if no file can be read
    as a document.
    """
    root, found, others = Path(path), False, 0
    notes: list[str] = []
    if not root.is_dir():
        raise CorpusError(f"{'is not a folder' if root.exists() else 'does not exist'}; expected a folder", path)
    files = list(walk(path))
    for number, (inside, problem) in enumerate(files, start=1):
        if reading is not None:
            reading.count(number, len(files))
        file = str(root / inside)
        kind = kind_of(inside) if not os.path.isdir(file) else None
        if problem:
            yield Record(file, None, {}, problem)
        elif kind is None:
            others += 1
            yield other_file(file, inside)
        else:
            found = True
            record = _record(file, path_below(file, settings.root) if settings.root else inside, kind, settings)
            notes += [f"{file}: {record.note}"] if record.note else []
            yield record
    if notes and reading is not None:
        more = f"; and so in {counted(len(notes) - 1, 'other file')}" if len(notes) > 1 else ""
        reading.note(f"{notes[0]}{more}")
    if not found:
        kinds, there = ", ".join(sorted(KINDS)), counted(others, "other file")
        raise CorpusError(f"has no files of the types {kinds} ({there}); expected at least one, or corpus.jsonl", path)


def other_file(path: str, inside: str) -> Record:
    """Return the record that counts a file of a folder as not being a document, by its extension."""
    ending = Path(without_compression(inside)).suffix.lower()
    kind = "links to folders" if os.path.isdir(path) else ending or "without an extension"
    return Record(path, None, {}, excerpt=inside, ignored=kind)


def read_file(path: str, settings: CorpusSettings, reading: Reading | None = None, *, kind: str) -> Iterator[Record]:
    """Yield the one record of a file of the `kind` "text", "markdown", "html" or "pdf".

    Its id is the file's name, or its path below `settings.root`; what is read from standard input has no id. Raises
    CorpusError if the file is not below that folder.
    """
    name = path_below(path, settings.root) if settings.root else Path(path).name
    record = _record(path, "" if path == STANDARD_INPUT else name, kind, settings)
    if record.note and reading is not None:
        reading.note(f"{path}: {record.note}")
    yield record


FILE_READERS: dict[str, Callable[..., Iterator[Record]]] = {
    kind: functools.partial(read_file, kind=kind) for kind in dict.fromkeys(KINDS.values())
}
"""Kind of a file that is one document -> its reader."""


def path_below(file: str, root: str) -> str:
    """Return the path of `file` relative to the folder `root`, with slashes; standard input stays as it is.

    Both may be relative or have links to folders in them. Raises CorpusError if the file is not below the folder.

    >>> path_below("notes/soups/hot.md", "notes/"), path_below("hot.md", ".")
    ('soups/hot.md', 'hot.md')
    """
    if file == STANDARD_INPUT:
        return file
    if not os.path.isdir(root) and os.path.exists(file):
        raise CorpusError("is not a folder; expected with `root` the folder that the file is in", root)
    for place in (os.path.abspath, os.path.realpath):
        inside, folder = Path(place(file)), Path(place(root))
        if inside != folder and inside.is_relative_to(folder):
            return inside.relative_to(folder).as_posix()
    raise CorpusError(f"is not below the folder {root}; expected a file in it, or another `root`", file)


def kind_of(name: str) -> str | None:
    """Return the kind of a file that is one document, by its name; None for another file.

    >>> kind_of("guide/Intro.MD.gz"), kind_of("picture.png")
    ('markdown', None)
    """
    return KINDS.get(Path(without_compression(name)).suffix.lower())


def walk(root: str) -> Iterator[tuple[str, str]]:
    """Yield (path relative to `root` with slashes, problem) of each file that is not hidden, in the order of paths.

    The problem is "" but for a folder that cannot be read. Links to folders are not followed, and yielded as files.
    """
    found: list[tuple[tuple[str, ...], str]] = []
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        parts = waiting.pop()
        try:
            with os.scandir(os.path.join(root, *parts)) as entries:
                for entry in entries:
                    inside = (*parts, entry.name)
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(inside)
                    elif entry.is_file() or entry.is_dir():
                        found.append((inside, ""))
        except OSError as error:
            found.append((parts, f"cannot be read: {error.strerror}"))
    for parts, problem in sorted(found):
        yield "/".join(parts), problem


def _record(path: str, doc_id: str, kind: str, settings: CorpusSettings) -> Record:
    try:
        with open_bytes(path) as file:
            raw = file.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            return Record(path, None, {}, f"is larger than {_LARGEST:,} bytes; expected one document")
        if not raw.strip():
            return Record(path, None, {}, excerpt=doc_id, ignored="empty")
        page = read_page(raw, kind, settings.encoding)
    except CorpusError as error:
        if error.path is None:  # a missing library
            raise
        return Record(path, None, {}, str(error).removeprefix(f"{path}: "))
    except ValueError as error:
        return Record(path, getattr(error, "line", None), {}, str(error))
    values = {**({"id": doc_id} if doc_id else {}), "title": page.title, "text": page.text}
    values |= {"path": doc_id} if doc_id else {}
    own = {name: value for name, value in page.fields.items() if name.strip("_").lower() not in _OWN}
    others = {f"field_{name.strip('_')}": value for name, value in page.fields.items() if name not in own}
    return Record(path, None, {**values, **own, **others}, number=None if doc_id else 1, note=page.note)
