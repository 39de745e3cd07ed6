"""The table of corpus formats, and `read_documents`, which reads a source of any of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

from resift.indexer.corpora.delimited import read_csv, read_tsv
from resift.indexer.corpora.folder import FILE_READERS, kind_of, other_file, read_folder, walk
from resift.indexer.corpora.json_records import read_json
from resift.indexer.corpora.opening import check_file, without_compression
from resift.indexer.corpora.pages import KINDS
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.record import Record
from resift.indexer.corpora.records import MissingIds, to_documents
from resift.indexer.corpora.settings import CorpusSettings
from resift.indexer.corpora.skipped import SkipReport
from resift.indexer.corpora.sniffing import sniff, sniff_standard_input
from resift.indexer.corpora.tables import read_ir_dataset, read_nanobeir_corpus, read_parquet
from resift.indexer.corpora.trec_text import read_trec
from resift.retrieval.errors import CorpusError
from resift.retrieval.text_lines import STANDARD_INPUT
from resift.retrieval.types import Document
from resift.retrieval.wording import counted, noun_for

Reader = Callable[[str, CorpusSettings, Reading], Iterator[Record]]

EXTENSIONS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".trec": "trec",
    ".sgml": "trec",
    ".trectext": "trec",
}
"""Extension of a file's name, without the end of a compressed file -> format of a file with several documents."""

_RECORD_FILES = ("jsonl", "json", "csv", "tsv", "trec")
"""Formats of files with several documents, of which a folder may have many."""
_ABOUT = ("readme", "license", "licence", "notice", "changelog")
"""Names, without the extension, of files that describe a folder of such files."""

_log = logging.getLogger("resift.corpora")


def read_beir(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each line of corpus.jsonl or corpus.jsonl.gz in the folder `path`.

    Raises CorpusError if there is no such file.
    """
    for name in ("corpus.jsonl", "corpus.jsonl.gz"):
        if (Path(path) / name).is_file():
            return read_json(str(Path(path) / name), settings, reading)
    what = "has no corpus.jsonl or corpus.jsonl.gz" if Path(path).is_dir() else "is not a folder"
    raise CorpusError(f"{what}; expected a BEIR folder", path)


READERS: dict[str, Reader] = {
    "beir": read_beir,
    "jsonl": read_json,
    "json": read_json,
    "csv": read_csv,
    "tsv": read_tsv,
    "parquet": read_parquet,
    "folder": read_folder,
    **FILE_READERS,
    "trec": read_trec,
    "ir_datasets": read_ir_dataset,
    "nanobeir": read_nanobeir_corpus,
}
"""Format -> its reader; a new format is one function and one row here."""

PUBLISHED = frozenset({"beir", "ir_datasets", "nanobeir"})
"""Formats of published judged collections, in which a document without any text is allowed."""


def read_documents(
    source: str | Path,
    settings: CorpusSettings | None = None,
    skipped: SkipReport | None = None,
    *,
    reading: Reading | None = None,
    unique: bool = True,
    make_ids: bool = True,
) -> Generator[Document, None, None]:
    """Yield the documents of `source` as a stream.

    `source` is a file, a folder, "-" for standard input, ir_datasets:NAME or nanobeir:NAME; its format is recognized
    by its name, or by its first bytes, unless `settings.format` is set. What is left out is counted in `skipped`, and
    written to `settings.skipped_file` also if `skipped` is None. `reading` is updated with the progress and with notes
    on what was assumed; without it, the notes are logged as warnings. With `unique`, an id that occurs twice is an
    error, and all ids are kept in memory; without it, the caller must check the ids. Without `make_ids`, a record
    without an id is bad: a made id is a place in a file, where tomorrow's file of that name has another document. So is
    a row of a table that has no column with a usual name for the text.

    Raises CorpusError with path and line at the first bad record, on an empty corpus, and if the source cannot be read.
    """
    settings, reading = settings or CorpusSettings(), reading or Reading(_log.warning)
    if skipped is None:
        with SkipReport.opened(settings) as report:
            yield from read_documents(source, settings, report, reading=reading, unique=unique, make_ids=make_ids)
        return
    name = str(source)
    try:
        chosen = _format(name, settings, reading)
    except (OSError, ValueError) as error:  # a name that is too long or has a NUL, a folder without permission
        raise CorpusError(f"cannot be read: {getattr(error, 'strerror', error)}", name[:200]) from None
    skipped.begin(name)
    _note_ids(reading, name, chosen, settings.root, added=not make_ids)
    with closing(_records(name, chosen, settings, reading)) as records:
        ids, empty = MissingIds(name, reading, allowed=make_ids), True
        for document in to_documents(records, settings, skipped, ids, empty_ok=chosen in PUBLISHED, unique=unique):
            empty = False
            yield document
    if empty:
        raise CorpusError("contains no documents; expected at least one", name)


def _records(source: str, chosen: str, settings: CorpusSettings, reading: Reading) -> Generator[Record, None, None]:
    """Yield the records of `source`; of a folder, those of all its files of the format `chosen`, in name order."""
    if chosen not in _RECORD_FILES or not Path(source).is_dir():
        yield from READERS[chosen](source, settings, reading)
        return
    files = list(walk(source))
    wanted = "jsonl" if chosen == "json" else chosen
    if not any(record_format(inside) == wanted for inside, _ in files):
        raise CorpusError(f"is a folder without {chosen} files; expected a file, or at least one in it", source)
    for number, (inside, problem) in enumerate(files, start=1):
        reading.count(number, len(files))
        file = str(Path(source) / inside)
        if problem:
            yield Record(file, None, {}, problem)
        elif record_format(inside) == wanted:
            yield from READERS[chosen](file, settings, reading)
        else:
            yield other_file(file, inside)


def _note_ids(reading: Reading, source: str, chosen: str, root: str | None, *, added: bool) -> None:
    """Give `reading` a note on the ids of files, if there is something to say."""
    if source != STANDARD_INPUT and (note := _ids_of_files(source, chosen, root, added=added)):
        reading.note(note)


def _ids_of_files(source: str, chosen: str, root: str | None, *, added: bool) -> str:
    """Return a note on the ids of files that are one document each: whether what is `added` replaces the right ones."""
    if chosen != "folder" and chosen not in FILE_READERS:
        return f"{source}: its records have their own ids, so `root` has no effect" if root else ""
    if root or not added:
        return f"{source}: ids are the paths below {root}" if root else ""
    if chosen == "folder":
        return f"{source}: ids are the paths below it; set `root` if another folder was indexed"
    return f"{source}: its id is {Path(source).name}; if it is in a folder that was indexed, set `root` to that"


def record_format(name: str) -> str | None:
    """Return the format of a file with several documents by its name; None for another file.

    >>> record_format("part-0.jsonl.gz"), record_format("notes.md")
    ('jsonl', None)
    """
    return EXTENSIONS.get(Path(without_compression(name)).suffix.lower())


def _format(source: str, settings: CorpusSettings, reading: Reading) -> str:
    """Return the format of `source`. Raises CorpusError if it does not exist or its format is not recognized."""
    if settings.format != "auto":
        if settings.format in FILE_READERS or (settings.format in _RECORD_FILES and not Path(source).is_dir()):
            check_file(source)
        return settings.format
    if source == STANDARD_INPUT:
        return sniff_standard_input(settings)
    for scheme in ("ir_datasets", "nanobeir"):
        if source.startswith(f"{scheme}:"):
            return scheme
    path = Path(source)
    if path.is_dir():
        return _folder_format(path, reading)
    if not path.exists():
        raise CorpusError("does not exist; expected a file, a folder, ir_datasets:NAME or nanobeir:NAME", source)
    return record_format(source) or _file_format(path, settings, reading)


def _file_format(path: Path, settings: CorpusSettings, reading: Reading) -> str:
    """Return the format of a file whose name does not say that it has several documents."""
    kind = kind_of(path.name)
    if kind is not None and kind != "text":
        return kind
    found = sniff(str(path), settings) if path.is_file() else None
    if kind and found not in (None, "html"):
        reading.note(
            f"{path}: is read as {found}, as its first line shows; set `format` to text to read it as one document"
        )
    elif kind:
        reading.note(f"{path}: is read as one document; set `format` to tsv if each line is one")
        return kind
    if found is None:
        extension = Path(without_compression(path.name)).suffix.lower()
        what = f"the extension {extension!r} is not known" if extension else "the name has no extension"
        known = ", ".join([*EXTENSIONS, *KINDS])
        raise CorpusError(f"{what}; expected one of {known}, or set `format`", path)
    return found


def _folder_format(path: Path, reading: Reading) -> str:
    """Return the format of a folder: of its files with records, if it has no file that is one document.

    A note names the files that are not read for that. Raises CorpusError if it has files with records of several
    formats.
    """
    files = [Path(inside) for inside, _ in walk(str(path))]
    pages = [file for file in files if kind_of(file.name)]
    documents = [file for file in pages if file.stem.lower() not in _ABOUT]
    if any((path / name).is_file() for name in ("corpus.jsonl", "corpus.jsonl.gz")):
        _note_unread(path, documents, "a BEIR folder, as it has corpus.jsonl", reading)
        return "beir"
    if next(path.rglob("*.parquet"), None):
        _note_unread(path, documents, "a folder of Parquet files, as it has one", reading)
        return "parquet"
    if documents:
        return "folder"
    formats = sorted({found for file in files if (found := record_format(file.name))})
    if len(formats) > 1:
        raise CorpusError(f"has files of several formats ({', '.join(formats)}); set `format` to one of them", path)
    if formats:
        _note_unread(path, pages, f"a folder of {formats[0]} files, as it has no other document", reading)
    return formats[0] if formats else "folder"


def _note_unread(path: Path, pages: list[Path], read_as: str, reading: Reading) -> None:
    """Say as what a folder is read, and why, if it has files that could be read as documents instead."""
    if pages:
        more = f" and {counted(len(pages) - 1, 'other file')}" if len(pages) > 1 else ""
        unread = f"{pages[0].as_posix()}{more} {noun_for(len(pages), 'is', 'are')} not read"
        reading.note(f"{path}: is read as {read_as}; {unread} (set `format` to folder for that)")
