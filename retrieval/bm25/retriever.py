"""The embedded first stage: BM25 over memory-mapped files, without a server.

A score is the sum over the query's terms, with repetitions, of
ln(1 + (N - df + 0.5) / (df + 0.5)) * tf / (tf + k1 * (1 - b + b * length / average length)).
Source: Kamphuis et al. 2020, "Which BM25 do you mean?", table 1, row "Lucene (accurate)",
https://doi.org/10.1007/978-3-030-45442-5_4; bm25s calls it `lucene`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resift.retrieval.bm25 import store
from resift.retrieval.bm25.analysis import analyzer
from resift.retrieval.bm25.flat import FlatIndex
from resift.retrieval.bm25.segment import Segment, segments_of
from resift.retrieval.bm25.segmented import SegmentedIndex
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.errors import EngineError, SettingsError
from resift.retrieval.registry import embedded_path
from resift.retrieval.retriever import check_depth
from resift.retrieval.types import Document, Hit, Query, Ranking

_ATTEMPTS = 10  # times to open an index that is being changed
_PASSAGES = 4  # passages looked at for each wanted document, at first


class Bm25Retriever:
    """Finds documents in an index that `resift.indexer.bm25.build.build_index` wrote; safe to share between threads.

    The index as it was opened is searched, also while it is changed or replaced.

    >>> Bm25Retriever.open("articles").retrieve([Query("1", "password reset")], 10)  # doctest: +SKIP
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        """Map the files of the index at `path`; call `open` instead, which checks them."""
        self.path = path
        self.settings = Bm25Settings(**manifest["settings"])
        self.size = int(manifest["documents"])
        self._analyze = analyzer(self.settings.language)
        self._split = bool(manifest.get("passages"))
        segments = segments_of(path, manifest)
        changed = manifest["version"] != store.VERSION
        self._index: FlatIndex | SegmentedIndex = (
            SegmentedIndex([Segment(path, segment) for segment in segments], self.settings)
            if changed
            else FlatIndex(path)
        )

    @property
    def language(self) -> str:
        """The language in which the index analyzes its texts."""
        return self.settings.language

    def notes(self) -> list[str]:
        """Return an empty list: an embedded index has nothing to warn about."""
        return []

    @classmethod
    def open(cls, path: str | Path, options: object = None) -> Bm25Retriever:
        """Open the index at `path`, in milliseconds for any size; a text is `bm25:PATH` or an existing folder.

        `options` is ignored; it is there because `open_retriever` calls every first stage with it. If the index is
        changed or replaced at the same time, it is opened as it was before or after. Raises EngineError if there is no
        index, or if it is damaged or of another version, and SettingsError on any other text; the message says what to
        do.
        """
        folder = path if isinstance(path, Path) else embedded_path(path)
        for _ in range(_ATTEMPTS):
            manifest = store.read_manifest(folder)
            try:
                opened = cls._open_once(folder, manifest)
            except EngineError:
                if store.read_manifest(folder) == manifest:
                    raise
                continue
            if store.read_manifest(folder) == manifest:
                return opened
        raise EngineError("is being changed repeatedly; try again later", f"bm25:{folder}")

    @classmethod
    def _open_once(cls, folder: Path, manifest: dict[str, Any]) -> Bm25Retriever:
        try:
            return cls(folder, manifest)
        except (OSError, ValueError, LookupError, TypeError, SettingsError) as error:
            message = f"cannot be opened ({error}); {store.rebuild_hint(folder, replace=True)}"
            raise EngineError(message, f"bm25:{folder}") from None

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Return one ranking per query: the best `depth` documents with a term of the query, by the ordering rule.

        If the documents are split into passages, a hit has the text and the score of the document's best one.

        Scores are float32, without unit. Raises SettingsError on a depth below 1, EngineError on a damaged index.
        """
        check_depth(depth)
        with self._reported():
            return [self._retrieve(query, depth) for query in queries]

    def documents(self, doc_ids: Sequence[str]) -> dict[str, list[Document]]:
        """Return the documents with these ids, by id, each as its entries (one, or its passages in their order).

        Raises EngineError on a damaged index.
        """
        with self._reported():
            numbers = {doc_id: self._index.find(doc_id) for doc_id in dict.fromkeys(doc_ids)}
            return {doc_id: self._index.fetch(found) for doc_id, found in numbers.items() if found}

    def sample(self, count: int, seed: int) -> list[Document]:
        """Return at most `count` different entries, drawn evenly by `seed`.

        Raises SettingsError if `count` is below 1, and EngineError on a damaged index.
        """
        check_depth(count)
        live = self._index.live()
        state = np.random.RandomState(np.array([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF]))  # noqa: NPY002 - its draws never change
        if count < len(live):
            live = live[_distinct(state, len(live), count)]
        with self._reported():
            return self._index.fetch(live.tolist())

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Raise the errors of reading a damaged file as EngineError."""
        try:
            yield
        except (IndexError, ValueError, KeyError) as error:
            message = f"is damaged ({error}); {store.rebuild_hint(self.path, replace=True)}"
            raise EngineError(message, f"bm25:{self.path}") from error

    def _retrieve(self, query: Query, depth: int) -> Ranking:
        weights = Counter(self._analyze(query.text))
        if self._split:
            return self._best_passages(query, weights, depth)
        numbers, scores = self._index.top(weights, depth)
        documents = self._index.fetch(numbers.tolist())
        return Ranking.of(query, map(Hit, documents, scores.tolist()))

    def _best_passages(self, query: Query, weights: Counter[str], depth: int) -> Ranking:
        """Return the best `depth` documents, each with the text and the score of its best passage."""
        wanted = _PASSAGES * depth
        while True:
            numbers, scores = self._index.top(weights, wanted)
            order = np.lexsort((numbers, -scores))  # of equal passages the earlier one first
            documents = self._index.fetch(numbers[order].tolist())
            hits: dict[str, Hit] = {}
            for document, score in zip(documents, scores[order].tolist(), strict=True):
                hits.setdefault(document.doc_id, Hit(document, score))
            if len(hits) >= depth or len(numbers) < wanted:
                return Ranking.of(query, hits.values()).top(depth)
            wanted *= _PASSAGES


def _distinct(state: np.random.RandomState, size: int, count: int) -> NDArray[np.int64]:
    """Return `count` different numbers below `size`, int64 [count], in the order in which they are drawn."""
    if count * 4 > size:
        return np.asarray(state.permutation(size)[:count], np.int64)
    drawn: dict[int, None] = {}
    while len(drawn) < count:  # few are drawn twice
        drawn.update(dict.fromkeys(state.randint(0, size, count, np.int64).tolist()))
    return np.array(list(drawn)[:count], np.int64)
