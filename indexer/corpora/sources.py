"""From a source's name to its reader: the table of formats."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from resift.indexer.corpora.folder import read_folder
from resift.indexer.corpora.lines import STANDARD_INPUT, check_file, read_csv, read_jsonl, read_trec, read_tsv
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.records import Record, SkipReport, to_documents
from resift.indexer.corpora.settings import CorpusSettings
from resift.indexer.corpora.tables import read_ir_dataset, read_nanobeir_corpus, read_parquet
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document

Reader = Callable[[str, CorpusSettings, Reading], Iterator[Record]]

ENDINGS = {
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
"""How a file's name ends, before a ".gz" -> its format."""


def read_beir(path: str, settings: CorpusSettings, reading: Reading | None = None) -> Iterator[Record]:
    """Yield a record for each line of corpus.jsonl or corpus.jsonl.gz in the folder `path`."""
    for name in ("corpus.jsonl", "corpus.jsonl.gz"):
        if (Path(path) / name).is_file():
            return read_jsonl(str(Path(path) / name), settings, reading)
    what = "has no corpus.jsonl or corpus.jsonl.gz" if Path(path).is_dir() else "is no folder"
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
"""Format -> its reader; a new format is one function and one row."""

PUBLISHED = frozenset({"beir", "ir_datasets", "nanobeir"})
"""Formats of judged collections: some of them hold documents without any text, which belong to them."""


def read_documents(
    source: str | Path,
    settings: CorpusSettings | None = None,
    skipped: SkipReport | None = None,
    *,
    reading: Reading | None = None,
    unique: bool = True,
) -> Generator[Document, None, None]:
    """Yield the documents of `source` as a stream; memory holds the ids alone, and without `unique` nothing.

    `reading` tells how far it is. Without `unique` an id may come twice: whoever takes the documents looks to it.

    `source` is a file, a folder, "-" for JSON lines on standard input, ir_datasets:NAME or nanobeir:NAME; its format
    goes by its name and kind unless `settings` say. What is left out is counted in `skipped`, and written to the
    settings' `skipped_file` also where no report is given.
    Raises CorpusError with path and line at the first bad record, on an empty corpus, and where nothing can be read.
    """
    settings = settings or CorpusSettings()
    if skipped is None:
        with SkipReport.opened(settings) as report:
            yield from read_documents(source, settings, report, reading=reading, unique=unique)
        return
    name = str(source)
    try:
        chosen = _format(name, settings.format)
    except OSError as error:  # of a name too long, of a folder that may not be entered
        raise CorpusError(f"cannot be read: {error.strerror}", name[:200]) from None
    skipped.begin(name)
    empty = True
    records = READERS[chosen](name, settings, reading or Reading())
    for document in to_documents(records, settings, skipped, empty_ok=chosen in PUBLISHED, unique=unique):
        empty = False
        yield document
    if empty:
        raise CorpusError("holds no document; expected at least one", name)


def _format(source: str, asked: str) -> str:
    """Return the format of `source`. Raises CorpusError where it is not there or its format cannot be told."""
    if asked != "auto":
        if asked in ("jsonl", "csv", "tsv", "trec"):
            check_file(source)
        return asked
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
    ending = Path(source.removesuffix(".gz")).suffix.lower()
    if ending not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise CorpusError(
            f"its format cannot be told from {ending or 'its name'!r}; known are {known}, or --format", source
        )
    return ENDINGS[ending]


def _folder_format(path: Path) -> str:
    if any((path / name).is_file() for name in ("corpus.jsonl", "corpus.jsonl.gz")):
        return "beir"
    return "parquet" if next(path.rglob("*.parquet"), None) else "folder"
