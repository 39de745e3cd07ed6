"""The best documents of a weighted set of terms, exactly, without looking at most of them.

The scores are sums of impacts that were worked out when the index was built (eager scoring, as in bm25s,
https://arxiv.org/abs/2407.03618). What remains is to add them up and to find the `depth` best:

- Terms are added rarest first. Once the `depth`-th best of one term's documents has more than all remaining terms
  could add together, a document without any of the terms so far is out, and the long lists of the common words are
  only looked up for the few documents that can still get in (MaxScore: Turtle and Flood 1995,
  https://doi.org/10.1016/0306-4573(95)00020-H).
- The same bound then leaves a few hundred candidates, among which the cut is made, ties and all.

Every document's sum is made in the same order whether or not lists are skipped, so that the result is the same to
the last bit.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_ATTEMPTS = 4  # how often one query tries to skip
_WORTH = 5  # it tries where the remaining lists hold more than a fifth of the documents' number
_LOOK_UP = 16  # one look-up costs about as much as adding so many postings
_EPSILON = float(np.finfo(np.float32).eps)

Best = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Numbers [n] and scores [n] of documents."""


class _Term(NamedTuple):
    """One term of a query; tuples sort by the length of the list, rarest first."""

    length: int
    number: int
    start: int
    weight: int
    upper: float


@dataclass(frozen=True, slots=True)
class Postings:
    """The arrays of an index, by term: what is added to the score of which documents.

    data: float32 [postings], all > 0; indices: int32 [postings], ascending within a term; indptr: int64 [terms + 1];
    term_max: float32 [terms]; ranks: int32 [documents], larger for a document that goes first among equals.
    """

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int64]
    term_max: NDArray[np.float32]
    ranks: NDArray[np.int32]
    scratch: threading.local = field(default_factory=threading.local)

    def top(self, weights: Mapping[int, int], depth: int) -> Best:
        """Return the numbers [n] and scores [n] of the `depth` best documents, in no particular order.

        `weights` gives how often the query has each term number. Only documents with a score above 0 count, so that
        n <= depth. Linear in the documents (a few passes over float32 [documents]) and the rarer terms' postings.
        """
        terms = []
        for number, weight in weights.items():
            start, stop = self.indptr[number : number + 2].tolist()
            terms.append(_Term(stop - start, number, start, weight, weight * self.term_max.item(number)))
        return _Search(self, sorted(terms), depth).run()

    def documents(self, term: _Term) -> NDArray[np.int32]:
        """Return the documents of a term, int32 [length]."""
        return self.indices[term.start : term.start + term.length]

    def impacts(self, term: _Term) -> NDArray[np.float32]:
        """Return what a term adds to each of its documents, float32 [length]."""
        impacts = self.data[term.start : term.start + term.length]
        return impacts if term.weight == 1 else impacts * np.float32(term.weight)

    def zeros(self) -> NDArray[np.float32]:
        """Return this thread's accumulator, float32 [documents], all zero."""
        scores: NDArray[np.float32] | None = getattr(self.scratch, "scores", None)
        if scores is None:
            scores = self.scratch.scores = np.empty(len(self.ranks), np.float32)
        scores.fill(0)
        return scores


class _Search:
    """One query at work: its terms, rarest first, and the scores so far."""

    def __init__(self, postings: Postings, terms: list[_Term], depth: int) -> None:
        self._postings = postings
        self._terms = terms
        self._depth = depth
        self._margin = (len(terms) + 8) * _EPSILON  # what rounding may take from a sum, as a share of it
        self._lengths = [0]  # postings still to come at each place in `terms`
        self._uppers = [0.0]  # and the most that they can add to a score
        for term in reversed(terms):
            self._lengths.append(self._lengths[-1] + term.length)
            self._uppers.append(self._uppers[-1] + term.upper)
        self._lengths.reverse()
        self._uppers.reverse()

    def run(self) -> Best:
        """Return the best documents."""
        if len(self._terms) == 1:
            [term] = self._terms
            return self._cut(self._postings.documents(term), self._postings.impacts(term))
        scores = self._postings.zeros()
        attempts = _ATTEMPTS
        for place, term in enumerate(self._terms):
            if attempts and self._may_skip(place, len(scores)):
                attempts -= 1
                best = self._skip(place, scores)
                if best is not None:
                    return self._cut(*best)
            np.add.at(scores, self._postings.documents(term), self._postings.impacts(term))
        place = len(self._terms)
        return self._cut(*self._still_in(np.flatnonzero(scores >= self._bound(place, scores)), scores, 0.0))

    def _may_skip(self, place: int, documents: int) -> bool:
        """Tell whether the terms from `place` on cost much and could be too weak to bring in a new document."""
        cost, upper = self._lengths[place], self._uppers[place]
        return cost * _WORTH > documents and upper < self._uppers[0] - upper

    def _skip(self, place: int, scores: NDArray[np.float32]) -> Best | None:
        """Return what can still be among the best, with final scores, by look-ups; None where adding is cheaper."""
        upper = self._uppers[place]
        bound = self._bound(place, scores)
        least = bound - upper - self._margin * (bound + upper)
        if least <= 0:  # a document with none of the terms so far could still get in
            return None
        documents, sums = self._still_in(np.flatnonzero(scores >= least), scores, upper)
        for at in range(place, len(self._terms)):
            if len(documents) * (len(self._terms) - at) * _LOOK_UP > self._lengths[at]:
                return None
            self._look_up(self._terms[at], documents, sums)
            documents, sums = self._narrow(documents, sums, self._uppers[at + 1])
        return documents, sums

    def _bound(self, place: int, scores: NDArray[np.float32]) -> float:
        """Return a score that at least `depth` documents reach with the terms before `place`, at best; > 0.

        Any term's documents will do: their `depth`-th best cannot be above the `depth`-th best of all. The rarest
        term with a few times `depth` documents gives a good one.
        """
        enough = [term for term in self._terms[:place] if term.length >= self._depth]
        if not enough:
            return float(np.finfo(np.float32).smallest_subnormal)
        term = next((term for term in enough if term.length >= 4 * self._depth), enough[-1])
        return _nth_best(scores[self._postings.documents(term)], self._depth)

    def _still_in(self, documents: NDArray[np.int64], scores: NDArray[np.float32], upper: float) -> Best:
        return self._narrow(documents, scores[documents], upper)

    def _narrow(self, documents: NDArray[np.int64], sums: NDArray[np.float32], upper: float) -> Best:
        """Leave out the documents that cannot get in even if `upper` comes on top of their `sums`."""
        if len(documents) <= 2 * self._depth:
            return documents, sums
        bound = _nth_best(sums, self._depth)
        kept = np.flatnonzero(sums >= bound - upper - self._margin * (bound + upper))
        return documents[kept], sums[kept]

    def _look_up(self, term: _Term, documents: NDArray[np.int64], sums: NDArray[np.float32]) -> None:
        """Add what `term` gives to these documents, ascending, to their `sums`, in place."""
        listed = self._postings.documents(term)
        wanted = documents.astype(np.int32)
        places = np.searchsorted(listed, wanted)
        np.minimum(places, term.length - 1, out=places)
        found = np.flatnonzero(listed[places] == wanted)
        impacts = self._postings.data[term.start + places[found]]
        sums[found] += impacts if term.weight == 1 else impacts * np.float32(term.weight)

    def _cut(self, documents: NDArray[Any], scores: NDArray[np.float32]) -> Best:
        """Keep the `depth` best; of those equal at the cut, the ones whose rank is larger."""
        if len(documents) > self._depth:
            last = _nth_best(scores, self._depth)
            above = np.flatnonzero(scores > last)
            equal = np.flatnonzero(scores == last)
            room = self._depth - len(above)
            if len(equal) > room:
                ranks = self._postings.ranks[documents[equal]]
                equal = equal[np.argpartition(ranks, len(ranks) - room)[len(ranks) - room :]]
            kept = np.concatenate([above, equal])
            documents, scores = documents[kept], scores[kept]
        return documents.astype(np.int64), scores


def _nth_best(scores: NDArray[np.float32], count: int) -> float:
    """Return the `count`-th largest of at least `count` scores."""
    place = len(scores) - count
    return float(np.partition(scores, place)[place])
