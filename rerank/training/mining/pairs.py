"""Pairs, triplets and lists of training data as anchors: the rows of one query together, in bounded memory."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import weakref
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from resift.indexer.corpora.reading import Reading
from resift.rerank.template import Template
from resift.rerank.training.examples import Example, graded, read_examples
from resift.rerank.training.mining.anchors import Anchor, Known
from resift.retrieval.errors import CorpusError
from resift.retrieval.text_lines import STANDARD_INPUT
from resift.retrieval.types import Query


@dataclass(slots=True)
class _Group:
    """The rows of one query so far."""

    place: int
    positives: dict[str, float] = field(default_factory=dict)
    negatives: dict[str, None] = field(default_factory=dict)
    partly: dict[str, None] = field(default_factory=dict)

    def add(self, example: Example, min_grade: int) -> None:
        for text, grade in graded(example):
            if grade >= min_grade:
                self.positives[text] = max(grade, self.positives.get(text, grade))
            elif grade <= 0:
                self.negatives[text] = None
            else:
                self.partly[text] = None

    def anchor(self, query: str) -> Anchor | None:
        positives = tuple(Known(text=text, grade=grade) for text, grade in self.positives.items())
        negatives = tuple(Known(text=text, grade=0) for text in self.negatives if text not in self.positives)
        partly = tuple(text for text in self.partly if text not in self.positives)
        found = Anchor(Query(str(self.place), query), positives, negatives, excluded_texts=partly)
        return found if positives else None


class PairAnchors:
    """The queries of a file of training data with their positive documents, as anchors.

    The file is read twice: first to count the rows of each query, 8 bytes a row, then to make the anchors. A query is
    complete at its last row, so that only queries of several rows are kept in memory, and for no longer than needed.
    Standard input is copied to a temporary file. A label of at least `min_grade` is positive, of 0 and below negative.
    """

    def __init__(
        self,
        source: str,
        template: Template | None = None,
        min_grade: int = 1,
        reading: Reading | None = None,
        on_bad: Callable[[CorpusError], object] | None = None,
    ) -> None:
        """Read `source` once. `on_bad` takes bad rows, which are left out; without it, the first raises CorpusError."""
        self.without_positive = 0
        self._template, self._min_grade, self._on_bad = template, min_grade, on_bad
        self._reading = reading or Reading()
        self._source = self._copied(source)
        hashes = array("Q")
        for example in read_examples(self._source, template, self._reading, on_bad):
            hashes.append(_hash(example.query))
        unique, counts = np.unique(np.frombuffer(hashes, np.uint64), return_counts=True)
        self.rows, self.total = len(hashes), len(unique)
        self._several = {int(one): int(count) for one, count in zip(unique, counts, strict=True) if count > 1}

    def __iter__(self) -> Iterator[Anchor]:
        """Yield the anchors, each at the last row of its query. Raises CorpusError."""
        self.without_positive = 0
        left = Counter(self._several)
        groups: dict[str, _Group] = {}
        examples = read_examples(
            self._source, self._template, self._reading, (lambda bad: None) if self._on_bad else None
        )
        for place, example in enumerate(examples, start=1):
            key = _hash(example.query)
            groups.setdefault(example.query, _Group(place)).add(example, self._min_grade)
            left[key] -= 1
            if left[key] <= 0:
                yield from self._made(example.query, groups.pop(example.query))
        for query, group in groups.items():
            yield from self._made(query, group)

    def _made(self, query: str, group: _Group) -> Iterator[Anchor]:
        anchor = group.anchor(query)
        if anchor is None:
            self.without_positive += 1
        else:
            yield anchor

    def _copied(self, source: str) -> str:
        """Return the name of the file to read, a copy if `source` is standard input."""
        if source != STANDARD_INPUT:
            return source
        if sys.stdin is None:
            raise CorpusError("standard input is closed; expected pairs from it", source)
        folder = tempfile.mkdtemp(prefix="resift-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / "pairs.jsonl"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        return str(path)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
