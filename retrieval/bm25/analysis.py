"""From text to index terms: the analyzers, by language name.

`english` follows Lucene's EnglishAnalyzer step by step: StandardTokenizer, EnglishPossessiveFilter, lower case,
Lucene's 33 stop words, PorterStemFilter. Every other language: words, elision where the language elides, lower
case, stop words where a list is at hand, Snowball's stemmer. `standard` stops after lower case; `whitespace`
only splits. Sources: the javadoc of org.apache.lucene.analysis.en and .fr; https://snowballstem.org.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable

import Stemmer

from resift.retrieval.bm25.segmentation import words
from resift.retrieval.bm25.stop_words import STOP_WORDS
from resift.retrieval.errors import SettingsError

ENGLISH_STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they "
    "this to was will with".split()
)
"""EnglishAnalyzer.ENGLISH_STOP_WORDS_SET."""

_ELIDED = {
    "catalan": frozenset("d l m n s t".split()),
    "french": frozenset("l m t qu n s j d c jusqu quoiqu lorsqu puisqu".split()),
    "irish": frozenset("d m b".split()),
    "italian": frozenset("c l all dall dell nell sull coll pell gl agl dagl degl negl sugl un m t s v d".split()),
}
"""What Lucene's ElisionFilter takes off before an apostrophe, by language."""

_PLAIN = ("standard", "whitespace")
_APOSTROPHES = re.compile("['\u2019\uff07]")
_LONGEST_TERM = 255  # characters; StandardTokenizer.MAX_TOKEN_LENGTH_DEFAULT
_LONGEST_REMEMBERED = 64  # characters: longer words hardly come twice
_MEMO_SIZE = 1 << 18  # words remembered with their terms, about 40 MB


def languages() -> tuple[str, ...]:
    """Return the names that `analyzer` knows."""
    stemmed = set(Stemmer.algorithms()) - {"porter", "dutch_porter"}
    return (*sorted(stemmed), *_PLAIN)


@functools.cache
def analyzer(language: str) -> Analyzer:
    """Return the analyzer of `language`, one of `languages()`; the same object each time.

    Raises SettingsError on another name.

    >>> analyzer("english")("The cats' owner's 2 running dogs")
    ['cat', 'owner', '2', 'run', 'dog']
    """
    if language not in languages():
        raise SettingsError(f"{language!r} is not known; expected one of {', '.join(languages())}", "language")
    return Analyzer(language)


class Analyzer:
    """Turns a text into its index terms; safe to share between threads.

    A word's term is worked out once and remembered (at most 2**18 words), so that a text costs one pass of a
    regular expression and one dictionary look-up a word.
    """

    def __init__(self, language: str) -> None:
        """Take the steps of `language`, which is one of `languages()`."""
        self.language = language
        self._memo = _Memo(self.term)
        self._lock = threading.Lock()
        self._stop_words = stop_words(language)
        self._elided = _ELIDED.get(language, frozenset())
        self._stemmer = None if language in _PLAIN else Stemmer.Stemmer(_algorithm(language), 0)

    def __call__(self, text: str) -> list[str]:
        """Return the terms of `text` in order, repeats and all."""
        return [term for term in map(self._memo.__getitem__, self.words(text)) if term]

    def words(self, text: str) -> list[str]:
        """Return the words of `text` in lower case, before the steps that drop or change single words."""
        if self.language == "whitespace":
            return text.split()
        if self.language == "turkish":
            text = text.replace("I", "ı").replace("İ", "i")
        return words(text.lower())

    def term(self, word: str) -> str:
        """Return the term of one word out of `words`; "" where it has none (a stop word)."""
        if self.language == "whitespace":
            return word
        word = self._without_affixes(word)[:_LONGEST_TERM]
        if word in self._stop_words or not word.strip("_"):
            return ""
        if self._stemmer is None:
            return word
        with self._lock:  # PyStemmer's objects are not re-entrant
            stem: str = self._stemmer.stemWord(word)
            if self.language != "english":
                return stem
            return _as_lucene(word, stem, self._stemmer.stemWord)

    def _without_affixes(self, word: str) -> str:
        """Take off the possessive of an English word, the elided article of a French one."""
        if self.language == "english":
            return word[:-2] if word[-1:] == "s" and word[-2:-1] in {"'", "\u2019", "\uff07"} else word
        if self._elided and (parts := _APOSTROPHES.split(word, maxsplit=1))[0] in self._elided:
            return parts[-1]
        return word


class _Memo(dict[str, str]):
    """Remembers what `function` gives; forgets everything when full, which keeps look-ups at a dict's speed."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, word: str) -> str:
        term = self._function(word)
        if len(word) <= _LONGEST_REMEMBERED:
            if len(self) >= _MEMO_SIZE:
                self.clear()
            self[word] = term
        return term


def _algorithm(language: str) -> str:
    """Return Snowball's name of the stemmer: Lucene's English chain uses the original Porter, not Porter 2."""
    return "porter" if language == "english" else language


_MEASURED = re.compile("^[^aeiou]*[aeiouy]+[^aeiou]")
"""A stem of measure m > 0 in Porter's sense: a vowel sequence followed by a consonant."""


def _as_lucene(word: str, stem: str, again: Callable[[str], str]) -> str:
    """Correct `stem`, Porter's as published, to what Lucene's PorterStemmer gives.

    Lucene follows the two departures of Porter's own C program (https://tartarus.org/martin/PorterStemmer/: bli to
    ble, logi to log) and leaves words of one or two characters alone.
    """
    if len(word) <= 2:
        return word
    if stem.endswith("logi") and _MEASURED.match(stem[:-4]):
        return stem[:-1]
    if stem.endswith("bli") and _MEASURED.match(stem[:-3]):
        return again(stem[:-1] + "e")
    return stem


def stop_words(language: str) -> frozenset[str]:
    """Return the words that an index of `language` leaves out, in lower case; empty if resift has no list for it."""
    if language == "english":
        return ENGLISH_STOP_WORDS
    return frozenset(STOP_WORDS.get(language, "").split())
