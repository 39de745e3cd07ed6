"""Turn documents, given as term numbers, into postings in bounded memory: sorted runs on disk, then one merge.

Up to a few million tokens are collected, counted and written as a run, sorted by term and document. The merge takes
the postings of one range of terms from all runs at a time, computes the impacts and appends them to the final arrays.
Peak memory is that of one run or one range (about 300 MB), plus 4 bytes per document and 30 bytes per term.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from resift.retrieval.bm25 import store

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
        self._runs.append(self._folder / f"run-{len(self._runs)}.npy")
        np.save(self._runs[-1], run)
        self._first += count

    def lengths(self) -> NDArray[np.int32]:
        """Return the number of indexed tokens of each document, int32 [documents]; call `flush` first."""
        return np.concatenate(self._lengths)

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
    """Write the postings files of all `terms` (data, indices, indptr, term_max); return the number of postings.

    The formula is in `resift.retrieval.bm25.retriever`. The precision is that of bm25s: idf is rounded to float32, the
    rest is float64, and the product is rounded to float32. Raises OSError if the disk is full.
    """
    lengths = inversion.lengths()
    documents = len(lengths)
    mean = lengths.mean() or 1.0  # 0.0 if no document has a term; then there is nothing to divide
    norms = k1 * ((1 - b) + b * lengths / mean)  # float64 [documents]
    indptr = np.zeros(terms + 1, np.int64)
    term_max = np.zeros(terms, np.float32)
    done = 0
    with (folder / store.DATA).open("wb") as data, (folder / store.INDICES).open("wb") as indices:
        _write_header(data, np.float32, 0)
        _write_header(indices, np.int32, 0)
        for bounds, (_, numbers, occurrences) in inversion.merge(terms):
            impacts = _impacts(bounds, occurrences, norms[numbers], documents)
            data.write(impacts.data)
            indices.write(np.ascontiguousarray(numbers).data)
            indptr[done : done + len(bounds)] = bounds
            term_max[done : done + len(bounds) - 1] = np.maximum.reduceat(impacts, bounds[:-1] - bounds[0])
            done += len(bounds) - 1
        _write_header(data, np.float32, int(indptr[-1]))
        _write_header(indices, np.int32, int(indptr[-1]))
    np.save(folder / store.INDPTR, indptr)
    np.save(folder / store.TERM_MAX, term_max)
    return int(indptr[-1])


def _impacts(
    bounds: NDArray[np.int64], occurrences: NDArray[np.int32], norms: NDArray[np.float64], documents: int
) -> NDArray[np.float32]:
    """Return what each posting adds to a score, float32 [postings].

    `norms`, float64 [postings], is k1 * (1 - b + b * length / average length) of each posting's document.
    """
    frequencies = np.diff(bounds)
    idf = np.log1p((documents - frequencies + 0.5) / (frequencies + 0.5)).astype(np.float32)
    return (np.repeat(idf, frequencies) * (occurrences / (occurrences + norms))).astype(np.float32)


def _write_header(file: IO[bytes], kind: type[Any], length: int) -> None:
    """Write the .npy header of a vector at the start of `file`; always 128 bytes, so it can be overwritten."""
    file.seek(0)
    facts = {"descr": np.lib.format.dtype_to_descr(np.dtype(kind)), "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(file, facts)
