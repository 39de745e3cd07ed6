"""Score documents that are longer than the model reads: the best of several overlapping passages decides."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from resift.rerank.scorer import Pair, Scorer, Scores
from resift.rerank.template import RenderedText
from resift.retrieval.errors import ModelError

_ASSUMED_WORDS = 150  # words of a passage if a scorer does not report how much of a text it read: about 200 tokens
_ASSUMED_CHARACTERS = 1500  # characters of such a passage at most, for languages without spaces
_LONGEST_WORD = 40  # characters by which a passage begins earlier, so that it begins with a whole word
_LARGEST_HEAD = 0.25  # share of a passage that its repeated title takes at most; a longer one is not repeated
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Passage:
    """The part of a document's text that decided its score, in characters of the text that the template built.

    The model read it from `start` to `end`, after the first `head` characters of that text, which are its title, if
    that was repeated. `read_to`: the end of the last passage of the document that it read.
    """

    start: int
    end: int
    read_to: int
    head: int = 0


@dataclass(frozen=True, slots=True)
class PassageScores:
    """The scores of n documents, each that of its best passage.

    `scores`: a document is `truncated` if no passage reached its end. `passages`: None for each document that the model
    read at once, or whose scorer does not report how much it read. `read`: float64 (n,), the share of each document's
    text that the model read, above 0 and at most 1; estimated by words if the scorer does not report it.
    """

    scores: Scores
    passages: Sequence[Passage | None]
    read: NDArray[np.float64]

    def __getitem__(self, part: slice) -> PassageScores:
        """Return the scores of the documents in the slice `part`."""
        return PassageScores(self.scores[part], self.passages[part], self.read[part])


@dataclass(slots=True)
class _Reading:
    """How far one document is read: its last passage is from `begin` to `end`; `known`: whether that was measured."""

    row: int
    query: str
    text: str
    head: str
    begin: int
    end: int
    known: bool

    @property
    def share(self) -> float:
        """The share of the text up to the end of its last passage, above 0 and at most 1."""
        return min(1.0, max(1, self.end) / max(1, len(self.text)))

    def advance(self, stride: float) -> bool:
        """Move to the next passage, `stride` passages further on; return whether there is one."""
        if not self.begin < self.end < len(self.text):
            return False
        begin = self.begin + max(1, round(stride * (self.end - self.begin)))
        earliest = max(self.begin + 1, begin - _LONGEST_WORD)
        blank = max((place for place in range(earliest, begin + 1) if self.text[place].isspace()), default=begin - 1)
        self.begin = blank + 1
        self.end = len(self.text) if self.known else _end_by_words(self.text, self.begin)
        return True


Rounds = Generator[list[Pair], Scores, PassageScores]
"""Yields the pairs of each round, is sent their scores, and returns the scores of the documents."""


def score_passages(
    scorer: Scorer, pairs: Sequence[tuple[str, RenderedText]], passages: int = 1, stride: float = 0.75
) -> PassageScores:
    """Return the scores of `pairs`, (query, document's text), by at most `passages` passages of each document.

    `read_rounds` says which passages those are. Raises ModelError if the model cannot score the pairs, or the scorer
    returns the wrong number of scores.
    """
    rounds = read_rounds(pairs, passages, stride)
    wanted = next(rounds)
    while True:
        try:
            wanted = rounds.send(_score(scorer, wanted))
        except StopIteration as done:
            found: PassageScores = done.value
            return found


def read_rounds(pairs: Sequence[tuple[str, RenderedText]], passages: int = 1, stride: float = 0.75) -> Rounds:
    """Read `pairs`, (query, document's text), in rounds: first the start of each document, then further passages.

    The first passage is the text from its start, which is all that is read of it if `passages` is 1. While a text
    continues, the next passage begins `stride` passages later, with the head of the text (its title) before it. A
    passage is as long as the model reads, by what the scorer reports in `read_characters`; else by a number of words.
    Who scores the rounds decides when and where: a scorer at once, or a service that scores several at a time.
    """
    first = yield [(query, rendered.text) for query, rendered in pairs]
    logits, truncated = first.logits.copy(), first.truncated.copy()
    readings = [_start(first, row, *pairs[row]) for row in np.flatnonzero(truncated).tolist()]
    found: list[Passage | None] = [None] * len(pairs)
    read = np.ones(len(pairs))
    for one in readings:
        found[one.row] = Passage(0, one.end, one.end) if one.known else None
        read[one.row] = one.share
    for _ in range(passages - 1):
        readings = [one for one in readings if one.advance(stride)]
        if not readings:
            break
        scores = yield [(one.query, one.head + one.text[one.begin : one.end]) for one in readings]
        for place, one in enumerate(readings):
            if one.known and scores.read_characters is not None:
                one.end = one.begin + max(0, int(scores.read_characters[place]) - len(one.head))
            truncated[one.row] = one.end < len(one.text)
            read[one.row] = max(read[one.row], one.share)
            best = found[one.row]
            if scores.logits[place] > logits[one.row]:
                logits[one.row] = scores.logits[place]
                found[one.row] = Passage(one.begin, one.end, one.end, len(one.head))
            elif best is not None:
                found[one.row] = replace(best, read_to=max(best.read_to, one.end))
    return PassageScores(Scores(logits, truncated, first.query_truncated, first.read_characters), found, read)


def _start(scores: Scores, row: int, query: str, rendered: RenderedText) -> _Reading:
    """Return how far a truncated text was read by its first passage."""
    known = scores.read_characters is not None
    end = _end_by_words(rendered.text, rendered.body)
    if scores.read_characters is not None:
        end = int(scores.read_characters[row])
    repeated = rendered.body <= _LARGEST_HEAD * end
    head, begin = (rendered.text[: rendered.body], rendered.body) if repeated else ("", 0)
    return _Reading(row, query, rendered.text, head, begin, end, known)


def _end_by_words(text: str, begin: int) -> int:
    """Return the offset at which a passage of the assumed number of words ends."""
    longest = begin + _ASSUMED_CHARACTERS
    ends = [word.end() for word in islice(_WORD.finditer(text, begin, longest), _ASSUMED_WORDS)]
    return ends[-1] if ends else min(len(text), longest)


def _score(scorer: Scorer, pairs: Sequence[tuple[str, str]]) -> Scores:
    scores = scorer.score(pairs)
    if len(scores.logits) != len(pairs):
        raise ModelError(
            f"the scorer returned {len(scores.logits)} scores for {len(pairs)} pairs; expected one per pair"
        )
    return scores
