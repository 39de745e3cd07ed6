"""Split a text into words by the rules of Unicode's UAX #29, as Lucene's StandardTokenizer applies them.

Sources: https://unicode.org/reports/tr29/#Word_Boundary_Rules (rules WB4 to WB13b), emoji sequences as in
https://unicode.org/reports/tr51/, and the description of Lucene's StandardTokenizer. Letters and digits of a script
form a word; an apostrophe, full stop or colon between two letters and a full stop or comma between two digits are part
of the word; every ideograph and Hiragana character is a word; a run of Katakana or of a script without spaces, such as
Thai, is one word; an emoji sequence is one word. Combining marks and format characters, such as a soft hyphen, belong
to the character before them. A word ends at the latest after 255 UTF-16 units.

A text beyond ASCII is first translated to the classes of its characters, one ASCII letter each (`word_classes.py`), and
the rules are regular expressions over those letters. So the words do not depend on the Unicode version of this Python.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Iterator

from resift.retrieval.bm25.word_classes import WORD_CLASSES

LONGEST_WORD = 255
"""UTF-16 units; StandardTokenizer.MAX_TOKEN_LENGTH_DEFAULT."""

_ASCII = re.compile(r"[A-Za-z0-9_]++(?:(?:(?<=[A-Za-z])[.:'](?=[A-Za-z])|(?<=[0-9])[.,;'](?=[0-9]))[A-Za-z0-9_]++)*+")
_CONNECTORS = "_\u202f\u203f\u2040\u2054\ufe33\ufe34\ufe4d\ufe4e\ufe4f\uff3f"
_LETTERS = {
    "letter": "a", "hebrew": "h", "number": "n", "digit": "0", "katakana": "k", "connector": "_",
    "mid_letter": ":", "mid_number": ",", "mid_both": ".", "single_quote": "'", "double_quote": '"',
    "ideograph": "i", "complex": "c", "complex_mark": "d", "mark": "x", "joiner": "z",
    "emoji": "e", "emoji_letter": "E", "modifier": "m", "regional": "r", "keycap": "#",
}  # fmt: skip
"""Class -> the ASCII letter that replaces its characters; a space replaces those without a class."""
_SINGLE = {0x20E3: "q", 0xFE0E: "y", 0xFE0F: "v", 0xE007F: "u", **dict.fromkeys(range(0xE0020, 0xE007F), "t")}
"""The marks with a part in emoji sequences, and their letters: keycap, selectors of text and emoji, tags."""

_MARK = "[xdmzqyvtu]*+"  # WB4
_TAIL = "(?:[xdmqtu]|z(?!z{0,255}[eE]))*+"  # what may come between an emoji and its selector
_NUMBER = f"[n0]++{_MARK}(?:[,.']{_MARK}[n0]{_MARK})*+"  # WB8, WB11, WB12
_MORE = f"(?:[:.']{_MARK}[aEh]{_MARK})*+"  # WB6, WB7
_WORD = f"[aE]++{_MARK}{_MORE}"  # WB5
_HEBREW = f"h{_MARK}(?:'{_MARK}|\"{_MARK}h{_MARK}|{_MORE})"  # WB7a to WB7c
_PART = f"(?:(?:{_WORD}|{_NUMBER}|{_HEBREW})++|(?:k++{_MARK})++)"  # WB9, WB10, WB13
_PARTS = f"{_PART}(?:(?:_{_MARK})++{_PART})*+(?:_{_MARK})*+"  # WB13a, WB13b

_SHOWN = f"[eE]{_TAIL}v?+"
_MODIFIER = f"m{_TAIL}"
_SEQUENCE = f"(?:(?:z++{_SHOWN}|z{_MODIFIER})++|t++u)?+"
_KEYCAP = "[xdmzqtu]*v?q[xdmzqtu]*+"
_EMOJI = (  # a sequence that begins with a letter or digit is one only where the rules of words give nothing longer
    f"(?:z{{0,255}}+e{_TAIL}v?+|z{{1,255}}+{_SHOWN}|{_MODIFIER}){_SEQUENCE}",
    f"(?:E{_TAIL}v?+z++)++e{_TAIL}v?+{_SEQUENCE}",
    f"E{_TAIL}v?+(?:z++E{_TAIL}v?+)*+(?![xdmzqyvtuaEhn0_]|[:.']{_MARK}[aEh])",
    f"#{_KEYCAP}",
    f"0{_KEYCAP}(?![yvaEhn0_]|[,.']{_MARK}[n0])",
    f"(?:r{_MARK}){{2}}",
)
_ANY_SCRIPT = re.compile(
    "|".join(
        [
            "a++(?=[ ,]|[.:'][ ,])",  # most words; for speed
            *_EMOJI,
            _PARTS,
            f"i{_MARK}",
            f"(?:[cd]{_MARK})++",
            rf"(?:_{_MARK}){{1,{LONGEST_WORD}}}+{_PARTS}",
            "(?:_[xqyvtu]*+)++",  # not a word; marks that cannot begin one go with it, lest they be scanned repeatedly
        ]
    )
)


def words(text: str) -> list[str]:
    """Return the words of `text` in order, unchanged; the time is linear in the length of the text.

    A run of underscores and other connectors is returned too, although it is not a word (`is_word`). Lone surrogates,
    control characters, punctuation and characters that Lucene's version of Unicode lacks are not part of any word.

    >>> words("O'Neill's 3.5 km², see foo_bar: 東京")
    ["O'Neill's", '3.5', 'km', 'see', 'foo_bar', '東', '京']
    """
    if text.isascii():
        found = _ASCII.findall(text)
    else:
        spans = [match.span() for match in _ANY_SCRIPT.finditer(text.translate(_classes()))]
        found = [text[start:end] for start, end in spans]
    if len(text) * 2 > LONGEST_WORD and any(len(word) * 2 > LONGEST_WORD for word in found):
        return [part for word in found for part in _parts(word)]
    return found


def is_word(word: str) -> bool:
    """Return False for a run of connectors, which `words` returns as well."""
    return word[0] not in _CONNECTORS or any(letter in "aEhn0k" for letter in word.translate(_classes()))


def _parts(word: str) -> Iterator[str]:
    """Yield a word in parts of at most LONGEST_WORD UTF-16 units, as a scanner with such a buffer does."""
    classes = word.translate(_classes())
    start = 0
    while start < len(word):
        end = _end_of_buffer(word, start)
        match = _ANY_SCRIPT.search(classes[start:end])
        if match is None:
            start = end
        elif match.start():  # a word that does not begin the buffer may be longer than the rest of it
            start += match.start()
        else:
            yield word[start : start + match.end()]
            start += match.end()


def _end_of_buffer(text: str, start: int) -> int:
    """Return where LONGEST_WORD UTF-16 units from `start` end, between two characters."""
    units = text[start : start + LONGEST_WORD].encode("utf-16-le", "surrogatepass")[: 2 * LONGEST_WORD]
    return start + len(units.decode("utf-16-le", "surrogatepass" if len(units) < 2 * LONGEST_WORD else "ignore"))


class _Classes(dict[int, str]):
    """Code point -> the letter of its class, found on first use."""

    def __init__(self) -> None:
        super().__init__(_SINGLE)
        spans = []
        for name, ranges in WORD_CLASSES.items():
            for ends in (part.split("-") for part in ranges.split()):
                spans.append((int(ends[0], 16), int(ends[-1], 16), _LETTERS.get(name, "x")))
        spans.sort()
        self._firsts = [first for first, _, _ in spans]
        self._spans = spans

    def __missing__(self, code: int) -> str:
        place = bisect_right(self._firsts, code) - 1
        _, last, letter = self._spans[place]
        self[code] = letter = letter if place >= 0 and code <= last else " "
        return letter


@functools.cache
def _classes() -> _Classes:
    return _Classes()
