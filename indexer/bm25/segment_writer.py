"""Write all files of a segment of an embedded index into a folder: documents, postings, vocabulary and manifest."""

from __future__ import annotations

import json
import uuid
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from resift.indexer.bm25.document_writer import DocumentWriter
from resift.indexer.bm25.inversion import NO_TERM, Inversion, write_postings
from resift.indexer.origin import resift_version, time_now
from resift.indexer.passages import cut
from resift.retrieval.bm25 import store
from resift.retrieval.bm25.analysis import Analyzer, analyzer
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.markup import plain_text
from resift.retrieval.types import Document

_PROGRESS = 1000  # documents between two calls of `progress`
_CACHE_SIZE = 1 << 20  # words cached with their term numbers, about 120 MB
_LONGEST_CACHED = 64  # characters; longer words rarely occur again


@dataclass(frozen=True, slots=True)
class Passages:
    """How documents are split: passages of `words` words, `overlap` of them from the one before; 0 keeps them whole."""

    words: int = 0
    overlap: int = 0

    def entries(self, document: Document) -> Sequence[Document]:
        """Return a document itself, or its passages, which have its id; HTML is removed before a text is split."""
        if not self.words:
            return (document,)
        texts = cut(plain_text(document.text), self.words, self.overlap)
        return [Document(document.doc_id, text, document.title, document.fields) for text in texts]


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """How a segment is analyzed, scored and split.

    `source` is the name of what its documents come from, "" if unknown; `created` is the time at which its index was
    made, "" if that is now.
    """

    bm25: Bm25Settings
    passages: Passages = Passages()
    source: str = ""
    created: str = ""


def write_segment(
    documents: Iterable[Sequence[Document]],
    folder: Path,
    settings: SegmentSettings,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, int]:
    """Write a segment of `documents`, each given as its entries, into an empty folder; return its counts.

    They are the numbers of documents, tokens, terms and postings. Raises CorpusError if there are no documents, an id
    is empty or occurs twice, or fields cannot be written as JSON; OSError if the disk is full.
    """
    numbers = _TermNumbers(analyzer(settings.bm25.language))
    inversion = Inversion(folder)
    entry_count = 0
    with DocumentWriter(folder) as writer:
        for done, entries in enumerate(documents, start=1):
            writer.add(entries)
            entry_count += len(entries)
            for entry in entries:
                inversion.add(numbers.in_text(f"{plain_text(entry.title)} {plain_text(entry.text)}"))
            if done % _PROGRESS == 0:
                progress(done)
        ids = writer.finish()
    inversion.flush()
    progress(len(ids))
    postings = write_postings(folder, inversion, len(numbers.terms), settings.bm25.k1, settings.bm25.b)
    for run in folder.glob("run-*.npy"):
        run.unlink()
    _write_vocabulary(folder, numbers.terms)
    facts = {
        "documents": len(ids),
        "tokens": int(inversion.lengths().sum(dtype=np.int64)),
        "vocabulary": len(numbers.terms),
        "postings": postings,
    }
    _write_params(folder, settings.bm25, entry_count)
    store.write_manifest(folder, {**stamp(settings), **facts})
    return facts


def stamp(settings: SegmentSettings) -> dict[str, object]:
    """Return what a manifest says of the making of an index; `build` differs each time."""
    made: dict[str, object] = {"resift": resift_version(), "build": uuid.uuid4().hex}
    now = time_now()
    made |= {"created": settings.created or now, "source": settings.source}
    made |= {"changed": now} if settings.created else {}
    made |= {"settings": asdict(settings.bm25)}
    return made | ({"passages": asdict(settings.passages)} if settings.passages.words else {})


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
