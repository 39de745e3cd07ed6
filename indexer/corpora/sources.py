"""The table of corpus formats, and `read_documents`, which reads a source of any of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from resift.indexer.corpora.delimited import read_csv, read_tsv
from resift.indexer.corpora.folder import read_folder
from resift.indexer.corpora.lines import check_file, read_jsonl, read_trec
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.records import Record, SkipReport, to_documents
from resift.indexer.corpora.settings import STANDARD_INPUT, CorpusSettings
from resift.indexer.corpora.tables import read_ir_dataset, read_nanobeir_corpus, read_parquet
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document

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
"""Extension of a file name, without ".gz" -> format."""


def read_beir(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each line of corpus.jsonl or corpus.jsonl.gz in the folder `path`.

    Raises CorpusError if there is no such file.
    """
    for name in ("corpus.jsonl", "corpus.jsonl.gz"):
        if (Path(path) / name).is_file():
            return read_jsonl(str(Path(path) / name), settings, reading)
    what = "has no corpus.jsonl or corpus.jsonl.gz" if Path(path).is_dir() else "is not a folder"
    raise CorpusError(f"{what}; expected a BEIR folder", path)


READERS: dict[str, Reader] = {
    "beir": read_beir,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "tsv": read_tsv,
    "parquet": read_parquet,
    "folder": read_folder,
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
) -> Generator[Document, None, None]:
    """Yield the documents of `source` as a stream.

    `source` is a file, a folder, "-" for JSON lines on standard input, ir_datasets:NAME or nanobeir:NAME; its format is
    recognized by its name unless `settings.format` is set. Records left out are counted in `skipped`, and written to
    `settings.skipped_file` also if `skipped` is None. `reading` is updated with the progress. With `unique`, an id
    that occurs twice is an error, and all ids are kept in memory; without it, the caller must check the ids.

    Raises CorpusError with path and line at the first bad record, on an empty corpus, and if the source cannot be read.
    """
    settings = settings or CorpusSettings()
    if skipped is None:
        with SkipReport.opened(settings) as report:
            yield from read_documents(source, settings, report, reading=reading, unique=unique)
        return
    name = str(source)
    try:
        chosen = _format(name, settings.format)
    except OSError as error:  # a name that is too long, a folder without permission
        raise CorpusError(f"cannot be read: {error.strerror}", name[:200]) from None
    skipped.begin(name)
    empty = True
    records = READERS[chosen](name, settings, reading or Reading())
    for document in to_documents(records, settings, skipped, empty_ok=chosen in PUBLISHED, unique=unique):
        empty = False
        yield document
    if empty:
        raise CorpusError("contains no documents; expected at least one", name)


def _format(source: str, requested: str) -> str:
    """Return the format of `source`. Raises CorpusError if it does not exist or its format is not recognized."""
    if requested != "auto":
        if requested in ("jsonl", "csv", "tsv", "trec"):
            check_file(source)
        return requested
    if source == STANDARD_INPUT:
        return "jsonl"
    for scheme in ("ir_datasets", "nanobeir"):
        if source.startswith(f"{scheme}:"):
            return scheme
    path = Path(source)
    if path.is_dir():
        return _folder_format(path)
    if not path.exists():
        raise CorpusError("does not exist; expected a file, a folder, ir_datasets:NAME or nanobeir:NAME", source)
    extension = Path(source.removesuffix(".gz")).suffix.lower()
    if extension not in EXTENSIONS:
        what = f"the extension {extension!r} is not known" if extension else "the name has no extension"
        raise CorpusError(f"{what}; expected one of {', '.join(EXTENSIONS)}, or set `format`", source)
    return EXTENSIONS[extension]


def _folder_format(path: Path) -> str:
    if any((path / name).is_file() for name in ("corpus.jsonl", "corpus.jsonl.gz")):
        return "beir"
    return "parquet" if next(path.rglob("*.parquet"), None) else "folder"
