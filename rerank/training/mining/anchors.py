"""A query with what is known about its documents: the input of mining, whatever it was read from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from resift.retrieval.types import Qrels, Query


@dataclass(frozen=True, slots=True)
class Known:
    """A document of which a grade is known: in the index by its `doc_id`, or given as `text`, one of both.

    `certain` is False for a guess, such as a result that users skipped: a teacher may contradict it.
    """

    doc_id: str = ""
    text: str = ""
    grade: float = 1.0
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Anchor:
    """A query with the documents that answer it, at least one, and those known not to.

    `excluded`: ids of documents that are neither, such as partly relevant ones, and are never mined; `excluded_texts`:
    such documents given as texts.
    """

    query: Query
    positives: tuple[Known, ...]
    negatives: tuple[Known, ...] = ()
    excluded: frozenset[str] = frozenset()
    excluded_texts: tuple[str, ...] = ()

    def digest(self) -> bytes:
        """Return 32 bytes that differ if the query, or what is known about it, differs."""
        known = [[one.doc_id, one.text, one.grade, one.certain] for one in (*self.positives, *self.negatives)]
        facts = [self.query.query_id, self.query.text, len(self.positives), known]
        facts += [sorted(self.excluded), self.excluded_texts]
        return hashlib.sha256(json.dumps(facts).encode()).digest()


@dataclass(slots=True)
class JudgedAnchors:
    """The judged queries of `queries` with their judgements `qrels`, as anchors; iterate over it once.

    Grades of at least `min_grade` are positive, those of 0 and below are negative. `unjudged`: queries without
    judgements so far, `without_positive`: judged queries without a positive document.
    """

    queries: Iterable[Query]
    qrels: Qrels
    min_grade: int = 1
    unjudged: int = 0
    without_positive: int = 0

    def __iter__(self) -> Iterator[Anchor]:
        """Yield the anchors in the order of the queries."""
        for query in self.queries:
            judged = self.qrels.get(query.query_id)
            if judged is None:
                self.unjudged += 1
                continue
            anchor = judged_anchor(query, judged, self.min_grade)
            if anchor is None:
                self.without_positive += 1
                continue
            yield anchor


def judged_anchor(query: Query, judged: Mapping[str, int], min_grade: int = 1) -> Anchor | None:
    """Return the anchor of a query with judgements, its positives by grade and id; None without a positive."""
    ordered = sorted(judged.items(), key=lambda one: (-one[1], one[0]))
    positives = tuple(Known(doc_id, grade=grade) for doc_id, grade in ordered if grade >= min_grade)
    negatives = tuple(Known(doc_id, grade=0) for doc_id, grade in ordered if grade <= 0)
    partly = frozenset(doc_id for doc_id, grade in ordered if 0 < grade < min_grade)
    return Anchor(query, positives, negatives, partly) if positives else None
