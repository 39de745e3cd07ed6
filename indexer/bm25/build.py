"""Build and save an embedded index."""

from __future__ import annotations

import json
import time
import uuid
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType

import numpy as np

from resift.indexer.bm25.inversion import NO_TERM, Inversion, write_postings
from resift.indexer.bm25.staging import staged_folder
from resift.retrieval.bm25 import store
from resift.retrieval.bm25.analysis import Analyzer, analyzer
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.errors import CorpusError
from resift.retrieval.types import Document

_PROGRESS = 1000  # documents between two calls of `progress`
_CACHE_SIZE = 1 << 20  # words cached with their term numbers, about 120 MB
_LONGEST_CACHED = 64  # characters; longer words rarely occur again


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


def build_index(
    documents: Iterable[Document],
    path: str | Path,
    settings: Bm25Settings | None = None,
    *,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> IndexReport:
    """Write an index of `documents` to the folder `path`, atomically.

    `documents` is read once and not kept in memory. Title and text are indexed as one text, joined by a space, and
    analyzed and scored by `settings` (English, k1 1.2, b 0.75 by default).
    `progress` is called with the number of documents read so far. If the build fails or the process is killed, an
    existing index at `path` is unchanged. Time is linear in the number of tokens; memory depends only on the distinct
    words and the document ids.

    Raises CorpusError if there are no documents, an id is empty or occurs twice, or fields cannot be written as JSON;
    IndexingError if `path` exists (with `overwrite`: and is not an index), cannot be written or the disk is full.
    """
    started = time.perf_counter()
    settings = settings or Bm25Settings()
    with staged_folder(Path(path), overwrite, store.is_index) as folder:
        facts = _write(documents, folder, settings, progress or (lambda done: None))
        size = sum(file.stat().st_size for file in folder.iterdir())
    return IndexReport(facts["documents"], facts["tokens"], facts["vocabulary"], time.perf_counter() - started, size)


def _write(
    documents: Iterable[Document], folder: Path, settings: Bm25Settings, progress: Callable[[int], None]
) -> dict[str, int]:
    """Write all files of an index into `folder`; return the counts of documents, tokens, terms and postings."""
    numbers = _TermNumbers(analyzer(settings.language))
    inversion = Inversion(folder)
    with _DocumentWriter(folder) as writer:
        for done, document in enumerate(_reraise_read_errors(documents), start=1):
            writer.add(document)
            inversion.add(numbers.in_text(f"{document.title} {document.text}"))
            if done % _PROGRESS == 0:
                progress(done)
        ids = writer.finish()
    inversion.flush()
    progress(len(ids))
    order = sorted(range(len(ids)), key=ids.__getitem__)
    ranks = np.empty(len(ids), np.int32)
    ranks[order] = np.arange(len(ids), dtype=np.int32)
    np.save(folder / store.ID_RANKS, ranks)
    postings = write_postings(folder, inversion, len(numbers.terms), settings.k1, settings.b)
    for run in folder.glob("run-*.npy"):
        run.unlink()
    _write_vocabulary(folder, numbers.terms)
    facts = {
        "documents": len(ids),
        "tokens": int(inversion.lengths().sum(dtype=np.int64)),
        "vocabulary": len(numbers.terms),
        "postings": postings,
    }
    _write_params(folder, settings, len(ids))
    stamp = {"resift": _resift_version(), "build": uuid.uuid4().hex, "settings": asdict(settings)}
    store.write_manifest(folder, {**stamp, **facts})
    return facts


def _reraise_read_errors(documents: Iterable[Document]) -> Iterator[Document]:
    """Yield `documents`, with OSError as CorpusError, so that a read error is not reported as a write error."""
    try:
        yield from documents
    except OSError as error:
        raise CorpusError(f"the documents cannot be read: {error}") from None


class _TermNumbers(dict[str, int]):
    """Word -> number of its term, numbered in order of first use; a cache of words, but `terms` keeps all terms."""

    def __init__(self, analyze: Analyzer) -> None:
        super().__init__()
        self._analyze = analyze
        self.terms: dict[str, int] = {}

    def in_text(self, text: str) -> Iterable[int]:
        """Return the term number of each word of `text`, NO_TERM for a word that is not indexed."""
        return map(self.__getitem__, self._analyze.words(text))

    def __missing__(self, word: str) -> int:
        term = self._analyze.term(word)
        number = self.terms.setdefault(term, len(self.terms)) if term else NO_TERM
        if len(word) <= _LONGEST_CACHED:
            if len(self) >= _CACHE_SIZE:
                self.clear()
            self[word] = number
        return number


class _DocumentWriter:
    """Writes documents as JSON lines, and the byte offset of each line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = (folder / store.DOCUMENTS).open("wb")
        self._offsets = array("q", [0])
        self._ids: dict[str, int] = {}

    def __enter__(self) -> _DocumentWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self._file.close()
            return
        try:
            self._file.close()
        except OSError:
            pass  # the buffered data is no longer needed, and the first error is the one to report

    def add(self, document: Document) -> None:
        """Write one document. Raises CorpusError on an empty or repeated id and on fields that are not JSON values."""
        doc_id = document.doc_id
        number = len(self._ids)
        if not doc_id:
            raise CorpusError(f"document {number + 1} has an empty id; expected an id for each document")
        if self._ids.setdefault(doc_id, number) != number:
            first = self._ids[doc_id] + 1
            message = f"documents {first} and {number + 1} have the same id {doc_id!r}; expected each id once"
            raise CorpusError(message)
        line = _json_line(document)
        self._file.write(line)
        self._offsets.append(self._offsets[-1] + len(line))

    def finish(self) -> list[str]:
        """Write the offsets and return all ids in order. Raises CorpusError if there are no documents."""
        if not self._ids:
            raise CorpusError("there are no documents; expected at least one")
        np.save(self._folder / store.DOCUMENT_OFFSETS, np.array(self._offsets, np.int64))
        return list(self._ids)


def _json_line(document: Document) -> bytes:
    """Return a document as one line of JSON; an empty title and empty fields are left out."""
    entry: dict[str, object] = {"doc_id": document.doc_id, "text": document.text}
    if document.title:
        entry["title"] = document.title
    if document.fields:
        entry["fields"] = dict(document.fields)
    try:
        line = json.dumps(entry, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError) as error:
        raise CorpusError(
            f"the fields of document {document.doc_id!r} cannot be written as JSON: {error}; expected JSON values"
        ) from None
    return line.encode("utf-8", "surrogatepass") + b"\n"  # json.loads decodes lone surrogates in the same way


def _write_vocabulary(folder: Path, terms: dict[str, int]) -> None:
    """Write term -> number as one JSON object, one line per term, sorted by encoded term, and the lines' offsets."""
    entries = sorted((store.encode_term(term), number) for term, number in terms.items())
    offsets = array("q", [1])
    with (folder / store.VOCABULARY).open("wb") as file:
        file.write(b"{")
        for place, (key, number) in enumerate(entries, start=1):
            line = b"%s: %d%s" % (key, number, b",\n" if place < len(entries) else b"}\n")
            file.write(line)
            offsets.append(offsets[-1] + len(line))
        if not entries:
            file.write(b"}\n")
    np.save(folder / store.VOCABULARY_OFFSETS, np.array(offsets, np.int64))


def _write_params(folder: Path, settings: Bm25Settings, documents: int) -> None:
    """Write the parameter file that `bm25s.BM25.load` needs."""
    kinds = {"dtype": "float32", "int_dtype": "int32", "backend": "numpy"}
    formula = {"k1": settings.k1, "b": settings.b, "delta": 0.5, "method": "lucene", "idf_method": "lucene"}
    body = json.dumps({**formula, **kinds, "num_docs": documents, "version": "0.2.13"}, indent=1)
    (folder / store.PARAMS).write_text(body, encoding="utf-8")


def _resift_version() -> str:
    try:
        return version("resift")
    except PackageNotFoundError:
        return "unknown"
