"""Split a text into words by the rules of Unicode's UAX #29, as Lucene's StandardTokenizer applies them.

Source: https://unicode.org/reports/tr29/#Word_Boundary_Rules (rules WB5 to WB13) and the description of Lucene's
StandardTokenizer. Letters and digits of any script form a word; an apostrophe, full stop or colon between two
letters and a full stop or comma between two digits are part of the word; every ideograph and Hiragana character is a
word; a run of Katakana, Hangul or Thai characters is one word; an emoji sequence is one word.
"""

from __future__ import annotations

import functools
import re
import unicodedata

_IDEOGRAPHS = "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3041-\u3096\u309d-\u309f\u3400-\u4dbf\u4e00-\u9fff"
_IDEOGRAPHS += "\uf900-\ufaff\U00020000-\U0003ffff"
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_MID_LETTER = ":\u00b7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a"
_MID_NUMBER = ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b"
_MID_BOTH = ".'\u2018\u2019\u2024\ufe52\uff07\uff0e"
_EMOJI = "\u231a\u231b\u23e9-\u23f3\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001f1e5\U0001f200-\U0001faff"
_LAST_MARK = 0x1E94A  # the last combining mark before the variation selectors, which cannot be part of a word

_ASCII = re.compile(r"[A-Za-z0-9_]++(?:(?:(?<=[A-Za-z])[.:'](?=[A-Za-z])|(?<=[0-9])[.,;'](?=[0-9]))[A-Za-z0-9_]++)*+")


def words(text: str) -> list[str]:
    """Return the words of `text` in order, unchanged; the time is linear in the length of the text.

    Lone surrogates, control characters and punctuation are not part of any word.

    >>> words("O'Neill's 3.5 km, see foo_bar: 東京")
    ["O'Neill's", '3.5', 'km', 'see', 'foo_bar', '東', '京']
    """
    if text.isascii():
        return _ASCII.findall(text)
    return _any_script().findall(text)


@functools.cache
def _any_script() -> re.Pattern[str]:
    """Return the pattern for texts beyond ASCII, compiled on first use with the marks of this Python's Unicode data."""
    marks = "".join(chr(c) for c in range(0x300, _LAST_MARK + 1) if unicodedata.category(chr(c))[0] == "M")
    marks = _ranges(marks + "\u200d")
    letter = rf"[^\W\d_{_IDEOGRAPHS}{_KATAKANA}]"
    run = rf"(?:[^\W{_IDEOGRAPHS}{_KATAKANA}]++[{marks}]*+)++"
    after_letter = rf"(?:(?<=[^\W\d_])|(?<=[{marks}]))"
    between_letters = rf"{after_letter}[{_MID_LETTER}{_MID_BOTH}](?={letter})"
    between_digits = rf"(?<=\d)[{_MID_NUMBER}{_MID_BOTH}](?=\d)"
    shown = rf"[{_EMOJI}][\ufe0f\U0001f3fb-\U0001f3ff]*+"
    return re.compile(
        rf"[0-9#*]\ufe0f?\u20e3|{run}(?:(?:{between_letters}|{between_digits}){run})*+"
        rf"|[{_IDEOGRAPHS}][{marks}]*+|(?:[{_KATAKANA}]++[{marks}]*+)++"
        rf"|[\U0001f1e6-\U0001f1ff]{{2}}|{shown}(?:\u200d{shown})*+"
    )


def _ranges(characters: str) -> str:
    """Return the content of a regular expression's character class that matches exactly `characters`."""
    codes = sorted(map(ord, characters))
    starts = [code for code, before in zip(codes, [-2, *codes], strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], -2], strict=True) if after != code + 1]
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))
