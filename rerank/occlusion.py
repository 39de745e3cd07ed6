"""The words that mattered for one score: leave each of them out, and see how far the score falls.

Sources: occlusion, Zeiler and Fergus (2014), "Visualizing and understanding convolutional networks", ECCV; for words,
Li, Monroe and Jurafsky (2016), "Understanding neural networks through representation erasure", arXiv:1612.08220.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resift.rerank.explained_passage import ExplainedPassage
from resift.rerank.scorer import Pair, Scorer, Scores
from resift.retrieval.bm25.segmentation import is_word, words
from resift.retrieval.errors import ModelError, SettingsError

MOST_VARIANTS = 128
"""How many pairs are scored for one explanation at most, besides the whole pair."""

_LEAST_VARIANTS = 8


@dataclass(frozen=True, slots=True)
class WordEffect:
    """How much a word counted: by how much the logit is lower without it; a negative effect spoke against the hit.

    `start` and `end`: where it is, in characters. Of a long text, words with little effect were left out together:
    then `word` is several words, with what is between them.
    """

    word: str
    start: int
    end: int
    effect: float

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"word": self.word, "start": self.start, "end": self.end, "effect": self.effect}


@dataclass(frozen=True, slots=True)
class WordEffects:
    """The words that mattered, of the `passage` and of the `query`, each time the largest effect first.

    The places of the words of the query are in its text, and those of the passage in the text of which it is a part.
    `missing`: why there are none, None if there are.
    """

    passage: tuple[WordEffect, ...] = ()
    query: tuple[WordEffect, ...] = ()
    missing: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return them as a JSON object."""
        return {
            "passage": [one.as_json() for one in self.passage],
            "query": [one.as_json() for one in self.query],
            "missing": self.missing,
        }


OcclusionRounds = Generator[list[Pair], Scores, WordEffects]
"""Yields the pairs of each round, is sent their scores, and returns the words."""


def explain_words(scorer: Scorer, query: str, text: str | ExplainedPassage, most: int = MOST_VARIANTS) -> WordEffects:
    """Return the words that mattered for the score of `query` and `text`, a text or the passage of an explained hit.

    At most `most` variants of the pair are scored, 8 or more: each leaves one word out, of the query or of the text. If
    there are more words, parts of the text are left out first, and then the words of the parts with the largest
    effect. Of a text that is longer than the model reads, only what it reads is explained. The places of the words are
    those in `text`, or for a passage, in the text that the template built of the document.

    Raises SettingsError if an argument cannot be used, and ModelError if `scorer` cannot score the pairs.

    >>> explain_words(scorer, "lost parcel", "Where is my parcel?").passage[0].word  # doctest: +SKIP
    'parcel'
    """
    _check(scorer, query, text, most)
    rounds = occlusion_rounds(query, text, most)
    pairs = next(rounds)
    while True:
        scores = scorer.score(pairs)
        if len(scores.logits) != len(pairs):
            raise ModelError(f"the scorer returned {len(scores.logits)} scores for {len(pairs)} pairs")
        try:
            pairs = rounds.send(scores)
        except StopIteration as done:
            found: WordEffects = done.value
            return found


def _check(scorer: object, query: object, text: object, most: object) -> None:
    """Raise SettingsError if an argument of `explain_words` cannot be used."""
    if not callable(getattr(scorer, "score", None)):
        raise SettingsError(f"{scorer!r} is not a scorer; expected for example load_scorer('default')", "scorer")
    if not isinstance(query, str):
        raise SettingsError(f"{query!r} is not a text", "query")
    if not isinstance(text, str | ExplainedPassage):
        raise SettingsError(f"{text!r} is neither a text nor the passage of an explained hit", "text")
    if not isinstance(most, int) or isinstance(most, bool) or most < _LEAST_VARIANTS:
        raise SettingsError(f"{most!r} is not a whole number of {_LEAST_VARIANTS} or more", "most")


def occlusion_rounds(query: str, text: str | ExplainedPassage, most: int = MOST_VARIANTS) -> OcclusionRounds:
    """Explain the words of a pair in rounds: the pair itself, then the variants without a word, or without a part.

    Who scores the rounds decides when and where, as with `resift.rerank.passages.read_rounds`. A word is not left out
    if nothing would be left of its text.
    """
    read = text if isinstance(text, str) else text.read
    whole = yield [(query, read)]
    logit = float(whole.logits[0])
    if whole.read_characters is not None and bool(whole.truncated[0]):
        read = read[: int(whole.read_characters[0])]
    of_query = _Side(query, most // 4)
    of_text = _Side(read, most - of_query.most)
    while of_query.wanted or of_text.wanted:
        pairs = [(variant, read) for variant in of_query.variants()] + [(query, one) for one in of_text.variants()]
        scores = yield pairs
        effects = [logit - float(other) for other in scores.logits]
        bound = len(of_query.wanted)
        of_query.learn(effects[:bound])
        of_text.learn(effects[bound:])
    found = WordEffects(tuple(of_text.effects()), tuple(of_query.effects()))
    return found if isinstance(text, str) else _placed(found, text)


_Part = tuple[int, int]  # the places of the first word and of the one behind the last


class _Side:
    """One of the two texts: which parts of it are to be left out next, and the effects of those that were."""

    def __init__(self, text: str, most: int) -> None:
        """Begin with all words of `text`, or with larger parts if there are more than `most`."""
        self._text = text
        self._words = list(word_spans(text))
        count = len(self._words)
        self.most = self._left = min(most, count)
        self._found: dict[_Part, float] = {}
        self.wanted: list[_Part] = []
        self._want(_divided((0, count), count if count <= most else max(2, most // 2)))

    def variants(self) -> Iterator[str]:
        """Yield the text without each of the parts that are wanted."""
        return (self._without(part) for part in self.wanted)

    def learn(self, effects: Sequence[float]) -> None:
        """Take the effects of the parts that were wanted, and choose what is left out next."""
        self._found.update(zip(self.wanted, effects, strict=True))
        self._left -= len(self.wanted)
        self.wanted = []
        chosen: list[_Part] = []
        for part in sorted(self._found, key=lambda one: -abs(self._found[one])):
            size = part[1] - part[0]
            if size == 1:
                continue
            if len(chosen) + size > self._left:
                if not chosen and self._left >= _LEAST_VARIANTS // 2:  # it is too long for its words: smaller parts
                    chosen = _divided(part, self._left // 2)
                    del self._found[part]
                break
            chosen += _divided(part, size)
            del self._found[part]
        self._want(chosen)

    def effects(self) -> list[WordEffect]:
        """Return the effects, the largest first."""
        found = []
        for part, effect in self._found.items():
            start, end = self._span(part)
            found.append(WordEffect(self._text[start:end], start, end, effect))
        return sorted(found, key=lambda one: (-abs(one.effect), one.start))

    def _want(self, parts: Sequence[_Part]) -> None:
        """Leave out `parts` next, other than one that is the whole text."""
        self.wanted = [part for part in parts if self._without(part).strip()]

    def _span(self, part: _Part) -> tuple[int, int]:
        return self._words[part[0]][0], self._words[part[1] - 1][1]

    def _without(self, part: _Part) -> str:
        """Return the text without a part, and without one of the two blanks around it."""
        start, end = self._span(part)
        before, after = self._text[:start], self._text[end:]
        double = after[:1].isspace() and (not before or before[-1].isspace())
        return before + (after[1:] if double else after)


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the words of `text` are, by the rules of Unicode (UAX #29): start and end, in characters.

    >>> list(word_spans("Cats, 3.5 km: 東京"))
    [(0, 4), (6, 9), (10, 12), (14, 15), (15, 16)]
    """
    end = 0
    for word in words(text):
        start = text.index(word, end)
        end = start + len(word)
        if is_word(word):
            yield start, end


def _divided(part: _Part, count: int) -> list[_Part]:
    """Return `part` in at most `count` parts of about the same number of words."""
    first, last = part
    if last <= first:
        return []
    size = -(-(last - first) // max(1, count))
    return [(start, min(start + size, last)) for start in range(first, last, size)]


def _placed(found: WordEffects, passage: ExplainedPassage) -> WordEffects:
    """Return effects whose places in what the model read become places in the text of which `passage` is a part."""
    head = len(passage.head)
    shift = passage.start - head

    def placed(one: WordEffect) -> WordEffect:
        start = one.start + (shift if one.start >= head else 0)
        return replace(one, start=start, end=one.end + (shift if one.end > head else 0))

    return replace(found, passage=tuple(map(placed, found.passage)))
