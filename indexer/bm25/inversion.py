"""Turn documents, given as term numbers, into postings in bounded memory: sorted runs on disk, then one merge.

Up to a few million tokens are collected, counted and written as a run, sorted by term and document. The merge takes
the postings of one range of terms from all runs at a time, computes the impacts and appends them to the final arrays.
Peak memory is that of one run or one range (about 300 MB), plus 4 bytes per document and 30 bytes per term.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from resift.retrieval.bm25 import formula, store

RUN_TOKENS = 2_000_000
"""Tokens of one run."""
RANGE_POSTINGS = 4_000_000
"""Postings of one range of terms, at most, unless one term has more."""
NO_TERM = -1
"""The term number of a word that is not indexed, such as a stop word."""


class Inversion:
    """Collects documents as term numbers and yields their postings by term."""

    def __init__(self, folder: Path, run_tokens: int = RUN_TOKENS) -> None:
        """Write the runs into `folder`, which must exist, each with about `run_tokens` tokens."""
        self._folder = folder
        self._run_tokens = run_tokens
        self._tokens = array("i")
        self._counts = array("i")
        self._lengths: list[NDArray[np.int32]] = []
        self._runs: list[Path] = []
        self._first = 0
        self._most = 0

    def add(self, numbers: Iterable[int]) -> None:
        """Add the next document: the term number of each of its tokens, or NO_TERM."""
        before = len(self._tokens)
        self._tokens.extend(numbers)
        self._counts.append(len(self._tokens) - before)
        if len(self._tokens) >= self._run_tokens:
            self.flush()

    def flush(self) -> None:
        """Write the collected tokens as a run, int32 [3, postings]: term, document, occurrences; sorted."""
        count = len(self._counts)
        tokens = np.array(self._tokens, np.int32)
        documents = np.repeat(np.arange(count), np.array(self._counts))
        self._tokens, self._counts = array("i"), array("i")
        kept = tokens != NO_TERM
        tokens, documents = tokens[kept], documents[kept]
        self._lengths.append(np.bincount(documents, minlength=count).astype(np.int32))
        pairs = tokens.astype(np.int64) * count + documents
        pairs.sort()
        starts = np.flatnonzero(np.diff(pairs, prepend=-1))
        run = np.empty((3, len(starts)), np.int32)
        run[0], run[1] = np.divmod(pairs[starts], max(count, 1))
        run[1] += self._first
        run[2] = np.diff(starts, append=len(pairs))
        self._most = max(self._most, int(run[2].max(initial=0)))
        self._runs.append(self._folder / f"run-{len(self._runs)}.npy")
        np.save(self._runs[-1], run)
        self._first += count

    def lengths(self) -> NDArray[np.int32]:
        """Return the number of indexed tokens of each document, int32 [documents]; call `flush` first."""
        return np.concatenate(self._lengths)

    def occurrences_type(self) -> np.dtype[Any]:
        """Return the smallest type that holds the occurrences of any term in any document; call `flush` first."""
        return np.min_scalar_type(self._most)

    def merge(self, terms: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
        """Yield (bounds int64 [range + 1], postings int32 [3, n]) for one range of the `terms` after another.

        A bound is the number of postings before a term, counted from the first term of the index. Postings are sorted
        by term, then document.
        """
        runs = [store.load_array(run) for run in self._runs]
        frequencies = sum((np.bincount(run[0], minlength=terms) for run in runs), np.zeros(terms, np.int64))
        indptr = np.concatenate([[0], np.cumsum(frequencies)])
        first = 0
        while first < terms:
            last = max(first + 1, int(np.searchsorted(indptr, indptr[first] + RANGE_POSTINGS, "right")) - 1)
            parts = [run[:, slice(*np.searchsorted(run[0], [first, last]))] for run in runs]
            postings = np.concatenate(parts, axis=1)
            yield indptr[first : last + 1], postings[:, np.argsort(postings[0], kind="stable")]
            first = last


def write_postings(folder: Path, inversion: Inversion, terms: int, k1: float, b: float) -> int:
    """Write the postings files of all `terms`, and the documents' lengths; return the number of postings.

    Raises OSError if the disk is full.
    """
    lengths = inversion.lengths()
    norms = formula.length_norms(lengths, float(lengths.mean()), k1, b)
    indptr = np.zeros(terms + 1, np.int64)
    term_max = np.zeros(terms, np.float32)
    done = 0
    with _PostingsFiles(folder, inversion.occurrences_type()) as files:
        for bounds, (_, numbers, occurrences) in inversion.merge(terms):
            frequencies = np.diff(bounds)
            idf = np.repeat(formula.inverse_frequency(len(lengths), frequencies), frequencies)
            impacts = formula.impacts(idf, occurrences, norms[numbers])
            files.write(impacts, numbers, occurrences)
            indptr[done : done + len(bounds)] = bounds
            term_max[done : done + len(bounds) - 1] = np.maximum.reduceat(impacts, bounds[:-1] - bounds[0])
            done += len(bounds) - 1
    np.save(folder / store.INDPTR, indptr)
    np.save(folder / store.TERM_MAX, term_max)
    np.save(folder / store.LENGTHS, lengths)
    return int(indptr[-1])


class _PostingsFiles:
    """The three files with one value per posting, written in parts; their headers get the length at the end."""

    def __init__(self, folder: Path, occurrences: np.dtype[Any]) -> None:
        kinds = {store.DATA: np.dtype(np.float32), store.INDICES: np.dtype(np.int32), store.FREQUENCIES: occurrences}
        self._stack = ExitStack()
        self._files = [(self._stack.enter_context((folder / name).open("wb")), kind) for name, kind in kinds.items()]
        self._length = 0

    def __enter__(self) -> _PostingsFiles:
        self._write_headers()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:  # noqa: ANN401 - the protocol's own
        with self._stack:
            if kind is None:
                self._write_headers()

    def write(self, *columns: NDArray[Any]) -> None:
        """Append a part of each file."""
        for (file, kind), column in zip(self._files, columns, strict=True):
            file.write(np.ascontiguousarray(column, kind).data)
        self._length += len(columns[0])

    def _write_headers(self) -> None:
        for file, kind in self._files:
            _write_header(file, kind, self._length)


def _write_header(file: IO[bytes], kind: np.dtype[Any], length: int) -> None:
    """Write the .npy header of a vector at the start of `file`; always 128 bytes, so it can be overwritten."""
    file.seek(0)
    facts = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(file, facts)
