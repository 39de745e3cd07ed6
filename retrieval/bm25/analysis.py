"""Turn a text into index terms: one analyzer per language name.

`english` has the steps of Lucene's EnglishAnalyzer: StandardTokenizer, EnglishPossessiveFilter, lower case,
Lucene's 33 stop words, PorterStemFilter. The steps of every other language: split into words, lower case, elision
(for the languages in _ELIDED), stop words (for the languages in `stop_words.py`), Snowball's stemmer. `standard` only
splits into words and lowers the case; `whitespace` only splits at white space.

Words and lower case are those of Lucene for every language: the case of each character is lowered alone, except in
Turkish and Irish, which have filters of their own; in Persian, a zero-width non-joiner separates words; in Arabic,
Hindi and Persian, digits of any script become those of ASCII.

Sources: the javadoc of org.apache.lucene.analysis.en and .fr; https://snowballstem.org.
"""

from __future__ import annotations

import functools
import re
import threading
import unicodedata
from collections.abc import Callable

import Stemmer

from resift.retrieval.bm25.segmentation import is_word, words
from resift.retrieval.bm25.settings import LANGUAGES
from resift.retrieval.errors import SettingsError
from resift.retrieval.stop_words import STOP_WORDS

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
"""Language -> the articles that Lucene's ElisionFilter removes in front of an apostrophe."""

_NOT_STEMMED = ("standard", "whitespace")
_APOSTROPHES = re.compile("['\u2019\uff07]")
_NOT_WHITE_SPACE = re.compile("[^\t-\r\x1c-\x20\u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000]{1,255}")
_DECIMAL_DIGITS = ("arabic", "hindi", "persian")  # languages whose analyzer has Lucene's DecimalDigitFilter
_IRISH_PREFIX = re.compile("^[nt](?=[AEIOU\u00c1\u00c9\u00cd\u00d3\u00da])")
_UNUSUAL_CASE = re.compile("[\u0130\u03a3\u24c2]")
_LONGEST_CACHED = 64  # characters; longer words rarely occur again
_CACHE_SIZE = 1 << 18  # words cached with their terms, about 40 MB


@functools.cache
def analyzer(language: str) -> Analyzer:
    """Return the analyzer of `language`, one of `LANGUAGES`; the same object each time.

    Raises SettingsError on another name.

    >>> analyzer("english")("The cats' owner's 2 running dogs")
    ['cat', 'owner', '2', 'run', 'dog']
    """
    if language not in LANGUAGES:
        raise SettingsError(f"{language!r} is not known; expected one of {', '.join(LANGUAGES)}", "language")
    return Analyzer(language)


class Analyzer:
    """Turns a text into its index terms; safe to share between threads.

    The term of a word is cached (at most 2**18 words), so that a text costs one pass of a regular expression and one
    dictionary look-up per word.
    """

    def __init__(self, language: str) -> None:
        """Prepare the steps of `language`, which is one of `LANGUAGES`."""
        self.language = language
        self._cache = _TermCache(self.term)
        self._lock = threading.Lock()
        self._stop_words = stop_words(language)
        self._elided = _ELIDED.get(language, frozenset())
        self._stemmer = None if language in _NOT_STEMMED else Stemmer.Stemmer(_algorithm(language), 0)

    def __call__(self, text: str) -> list[str]:
        """Return the terms of `text` in order, with repetitions."""
        return [term for term in map(self._cache.__getitem__, self.words(text)) if term]

    def words(self, text: str) -> list[str]:
        """Return the words of `text` in lower case, before elision, stop words and stemming."""
        if self.language == "whitespace":
            return _NOT_WHITE_SPACE.findall(text)
        if self.language == "turkish":
            text = text.replace("I\u0307", "i").replace("I", "ı")
        elif self.language == "persian":
            text = text.replace("\u200c", " ")
        elif self.language == "irish":
            return [lower_case(_IRISH_PREFIX.sub(r"\g<0>-", word)) for word in words(text)]
        if not text.isascii() and _UNUSUAL_CASE.search(text):
            return list(map(lower_case, words(text)))  # the case of these letters decides where words end
        return words(text.lower())

    def term(self, word: str) -> str:
        """Return the term of one word that `words` returned; "" if the word is not indexed (a stop word)."""
        if self.language == "whitespace":
            return word
        if not is_word(word):
            return ""
        word = self._without_affixes(word)
        if self.language in _DECIMAL_DIGITS and not word.isascii():
            word = "".join(str(unicodedata.decimal(character, character)) for character in word)
        if not word or word in self._stop_words:
            return ""
        if self._stemmer is None:
            return word
        with self._lock:  # PyStemmer's objects are not safe to share between threads
            stem: str = self._stemmer.stemWord(word)
            if self.language != "english":
                return stem
            return _lucene_stem(word, stem, self._stemmer.stemWord)

    def _without_affixes(self, word: str) -> str:
        """Remove the English possessive, the Turkish suffixes after an apostrophe, or an elided article elsewhere."""
        if self.language == "english":
            return word[:-2] if word[-1:] == "s" and word[-2:-1] in {"'", "\u2019", "\uff07"} else word
        if self.language == "turkish":
            return _APOSTROPHES.split(word, maxsplit=1)[0]
        if self._elided and (parts := _APOSTROPHES.split(word, maxsplit=1))[0] in self._elided:
            return parts[-1]
        return word


class _TermCache(dict[str, str]):
    """Caches the results of `function`; empties itself when full, which keeps a look-up as fast as in a dict."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, word: str) -> str:
        term = self._function(word)
        if len(word) <= _LONGEST_CACHED:
            if len(self) >= _CACHE_SIZE:
                self.clear()
            self[word] = term
        return term


def lower_case(text: str) -> str:
    """Return `text` in lower case as Lucene's LowerCaseFilter gives it: each character alone, by one character.

    >>> lower_case("ΣΑΣ İ"), "ΣΑΣ İ".lower() == "σας i\u0307"
    ('σασ i', True)
    """
    return text.replace("\u0130", "i").replace("\u03a3", "\u03c3").lower()


def _algorithm(language: str) -> str:
    """Return Snowball's name for the stemmer; Lucene's English analysis uses the original Porter, not Porter 2."""
    return "porter" if language == "english" else language


_POSITIVE_MEASURE = re.compile("^[^aeiou]*[aeiouy]+[^aeiou]")
"""Matches a stem with measure m > 0 as Porter defines it: a vowel sequence followed by a consonant."""


def _lucene_stem(word: str, stem: str, stem_word: Callable[[str], str]) -> str:
    """Return the stem that Lucene's PorterStemmer gives `word`, from `stem`, that of Porter's published algorithm.

    Lucene has the two changes that Porter made in his own C program (https://tartarus.org/martin/PorterStemmer/: bli to
    ble, logi to log) and leaves words of one or two UTF-16 units alone.
    """
    if len(word) <= 2 and len(word.encode("utf-16-le", "surrogatepass")) <= 4:
        return word
    if stem.endswith("logi") and _POSITIVE_MEASURE.match(stem[:-4]):
        return stem[:-1]
    if stem.endswith("bli") and _POSITIVE_MEASURE.match(stem[:-3]):
        return stem_word(stem[:-1] + "e")
    return stem


def stop_words(language: str) -> frozenset[str]:
    """Return the words that an index of `language` leaves out, in lower case; empty if resift has no list for it."""
    if language == "english":
        return ENGLISH_STOP_WORDS
    return frozenset(STOP_WORDS.get(language, "").split())
