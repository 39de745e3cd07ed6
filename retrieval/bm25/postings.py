"""Find the documents with the highest scores for a weighted set of terms, exactly, without scoring most of them.

A score is a sum of impacts, which were computed when the index was built (eager scoring, as in bm25s,
https://arxiv.org/abs/2407.03618). A search adds them up and finds the `depth` best:

- Terms are added rarest first. Once the `depth`-th best score so far is higher than all remaining terms together could
  add, a document without any of the terms so far cannot be among the best. Then the long lists of the common terms are
  only looked up for the documents that still can (MaxScore: Turtle and Flood 1995,
  https://doi.org/10.1016/0306-4573(95)00020-H).
- The same bound leaves a few hundred candidates, from which the best are taken; the ordering rule breaks ties.

The impacts of a document are added in the same order whether or not lists are skipped, so that the scores are the same
to the last bit.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

_ATTEMPTS = 4  # how often one query tries to skip lists
_SKIP_FRACTION = 5  # it tries if the remaining lists have more postings than a fifth of the number of documents
_LOOK_UP_COST = 16  # one look-up takes about as long as adding this many postings
_EPSILON = float(np.finfo(np.float32).eps)

Best = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Numbers [n] and scores [n] of documents."""


class TermPostings(NamedTuple):
    """The documents with one term of a query, int32 [n], ascending, and what it adds to their scores, float32 [n].

    `weight` is the number of its occurrences in the query, by which the impacts are multiplied; `upper` is the largest
    product.
    """

    documents: NDArray[np.int32]
    impacts: NDArray[np.float32]
    weight: int
    upper: float

    @property
    def length(self) -> int:
        """The number of documents with the term."""
        return len(self.documents)

    def weighted(self, impacts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return some of the impacts, times the weight."""
        return impacts if self.weight == 1 else impacts * np.float32(self.weight)


class Collection(Protocol):
    """What a search needs to know of the documents besides the postings."""

    def zeros(self) -> NDArray[np.float32]:
        """Return this thread's array for adding scores, float32 [documents], filled with zeros."""

    def last(self, documents: NDArray[Any], count: int) -> NDArray[np.int64]:
        """Return the positions, in `documents`, of the `count` that the ordering rule puts first among equal scores."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """An array of scores for each thread, which saves its allocation for each query."""

    size: int
    local: threading.local = field(default_factory=threading.local)

    def zeros(self) -> NDArray[np.float32]:
        """Return this thread's array, float32 [size], filled with zeros."""
        scores: NDArray[np.float32] | None = getattr(self.local, "scores", None)
        if scores is None:
            scores = self.local.scores = np.empty(self.size, np.float32)
        scores.fill(0)
        return scores


@dataclass(frozen=True, slots=True)
class Postings:
    """The postings of an index, by term: the documents with the term and what it adds to their scores.

    data: float32 [postings], all > 0; indices: int32 [postings], ascending within a term; indptr: int64 [terms + 1];
    term_max: float32 [terms]; ranks: int32 [documents], of documents with equal scores the largest rank comes first.
    """

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int64]
    term_max: NDArray[np.float32]
    ranks: NDArray[np.int32]
    scratch: threading.local = field(default_factory=threading.local)

    def top(self, weights: Mapping[int, int], depth: int) -> Best:
        """Return the numbers [n] and scores [n] of the `depth` best documents, not sorted.

        `weights` is term number -> number of occurrences in the query. Only documents with a score above 0 are
        returned, so that n <= depth. The time is linear in the number of documents and the rarer terms' postings.
        """
        terms = []
        for number, weight in weights.items():
            start, stop = self.indptr[number : number + 2].tolist()
            upper = weight * self.term_max.item(number)
            terms.append(TermPostings(self.indices[start:stop], self.data[start:stop], weight, upper))
        return best(self, terms, depth)

    def zeros(self) -> NDArray[np.float32]:
        """Return this thread's array for adding scores, float32 [documents], filled with zeros."""
        return Scratch(len(self.ranks), self.scratch).zeros()

    def last(self, documents: NDArray[Any], count: int) -> NDArray[np.int64]:
        """Return the positions, in `documents`, of the `count` with the largest ranks."""
        return last_ranks(self.ranks[documents], count)


def last_ranks(ranks: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Return the positions of the `count` largest of more than `count` ranks."""
    return np.argpartition(ranks, len(ranks) - count)[len(ranks) - count :]


def best(collection: Collection, terms: Sequence[TermPostings], depth: int) -> Best:
    """Return the numbers [n] and scores [n] of the `depth` best documents for the terms of a query, not sorted.

    The impacts of a document are added in the order of the terms' numbers of documents, and of the query for equal
    numbers. So the sum does not depend on how documents and terms are numbered.
    """
    return _Search(collection, sorted(terms, key=lambda term: term.length), depth).run()


class _Search:
    """The search of one query: its terms, rarest first, and bounds on what the remaining terms can add."""

    def __init__(self, collection: Collection, terms: list[TermPostings], depth: int) -> None:
        self._collection = collection
        self._terms = terms
        self._depth = depth
        self._margin = (len(terms) + 8) * _EPSILON  # the largest rounding error of a sum, relative to it
        self._remaining_postings = [0]  # [terms + 1]: postings of the terms from each position on
        self._remaining_scores = [0.0]  # [terms + 1]: the most that those terms can add to a score
        for term in reversed(terms):
            self._remaining_postings.append(self._remaining_postings[-1] + term.length)
            self._remaining_scores.append(self._remaining_scores[-1] + term.upper)
        self._remaining_postings.reverse()
        self._remaining_scores.reverse()

    def run(self) -> Best:
        """Return the numbers [n] and scores [n] of the best documents, n <= depth."""
        if len(self._terms) == 1:
            [term] = self._terms
            return self._keep_best(term.documents, term.weighted(term.impacts))
        scores = self._collection.zeros()
        attempts = _ATTEMPTS
        for position, term in enumerate(self._terms):
            if attempts and self._may_skip(position, len(scores)):
                attempts -= 1
                best = self._skip(position, scores)
                if best is not None:
                    return self._keep_best(*best)
            np.add.at(scores, term.documents, term.weighted(term.impacts))
        position = len(self._terms)
        documents = np.flatnonzero(scores >= self._bound(position, scores))
        return self._keep_best(*self._narrow(documents, scores[documents], 0.0))

    def _may_skip(self, position: int, documents: int) -> bool:
        """Return whether skipping may pay: the lists from `position` on are long, but may be too weak to add a hit."""
        cost, upper = self._remaining_postings[position], self._remaining_scores[position]
        return cost * _SKIP_FRACTION > documents and upper < self._remaining_scores[0] - upper

    def _skip(self, position: int, scores: NDArray[np.float32]) -> Best | None:
        """Return the documents that can still be among the best, with final scores; None if adding is cheaper."""
        upper = self._remaining_scores[position]
        bound = self._bound(position, scores)
        least = bound - upper - self._margin * (bound + upper)
        if least <= 0:  # a document with none of the terms so far could still be among the best
            return None
        documents = np.flatnonzero(scores >= least)
        documents, sums = self._narrow(documents, scores[documents], upper)
        for at in range(position, len(self._terms)):
            if len(documents) * (len(self._terms) - at) * _LOOK_UP_COST > self._remaining_postings[at]:
                return None
            self._look_up(self._terms[at], documents, sums)
            documents, sums = self._narrow(documents, sums, self._remaining_scores[at + 1])
        return documents, sums

    def _bound(self, position: int, scores: NDArray[np.float32]) -> float:
        """Return a lower bound, > 0, of the `depth`-th best score that the terms before `position` give.

        The `depth`-th best score among the documents of any one term is such a bound. The rarest term with at least
        four times `depth` documents gives a good one.
        """
        enough = [term for term in self._terms[:position] if term.length >= self._depth]
        if not enough:
            return float(np.finfo(np.float32).smallest_subnormal)
        term = next((term for term in enough if term.length >= 4 * self._depth), enough[-1])
        return _nth_best(scores[term.documents], self._depth)

    def _narrow(self, documents: NDArray[np.int64], sums: NDArray[np.float32], upper: float) -> Best:
        """Leave out the documents that cannot be among the best even if `upper` is added to their `sums`."""
        if len(documents) <= 2 * self._depth:
            return documents, sums
        bound = _nth_best(sums, self._depth)
        kept = np.flatnonzero(sums >= bound - upper - self._margin * (bound + upper))
        return documents[kept], sums[kept]

    def _look_up(self, term: TermPostings, documents: NDArray[np.int64], sums: NDArray[np.float32]) -> None:
        """Add the impacts of `term` on these documents (ascending) to their `sums`, in place."""
        listed = term.documents
        wanted = documents.astype(np.int32)
        positions = np.searchsorted(listed, wanted)
        np.minimum(positions, term.length - 1, out=positions)
        found = np.flatnonzero(listed[positions] == wanted)
        sums[found] += term.weighted(term.impacts[positions[found]])

    def _keep_best(self, documents: NDArray[Any], scores: NDArray[np.float32]) -> Best:
        """Keep the `depth` best; of equal scores at the cut, those that the ordering rule puts first."""
        if len(documents) > self._depth:
            last = _nth_best(scores, self._depth)
            above = np.flatnonzero(scores > last)
            equal = np.flatnonzero(scores == last)
            room = self._depth - len(above)
            if len(equal) > room:
                equal = equal[self._collection.last(documents[equal], room)]
            kept = np.concatenate([above, equal])
            documents, scores = documents[kept], scores[kept]
        return documents.astype(np.int64), scores


def _nth_best(scores: NDArray[np.float32], count: int) -> float:
    """Return the `count`-th largest of at least `count` scores."""
    position = len(scores) - count
    return float(np.partition(scores, position)[position])
