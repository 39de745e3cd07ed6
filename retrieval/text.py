"""Make any text encodable as UTF-8, and safe to show on one line."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    r"""Return `text` with lone surrogates, which UTF-8 cannot encode, replaced by U+FFFD.

    >>> clean("a\ud800b") == "a\N{REPLACEMENT CHARACTER}b"
    True
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text


def one_line(text: str) -> str:
    r"""Return `text` on one line without control characters, so that it cannot control a terminal or a page.

    >>> one_line("a\x1b[31m\nb")
    'a [31m b'
    """
    shown = "".join(character if character.isprintable() else " " for character in text)
    return clean(" ".join(shown.split()))


def error_line(error: Exception, longest: int = 200) -> str:
    r"""Return the text of another library's error on one line of at most `longest` characters, or else its type.

    >>> error_line(ValueError("bad\nheader")), error_line(KeyError())
    ('bad header', 'KeyError')
    """
    return one_line(str(error))[:longest] or type(error).__name__


def shorten(text: str, longest: int = 300) -> str:
    """Return `text` on one line, cut at a blank to at most `longest` characters and "…".

    >>> shorten("red lentil soup", 12)
    'red lentil …'
    """
    line = one_line(text[: 4 * longest])
    if len(line) <= longest and len(text) <= 4 * longest:
        return line
    cut = line[: longest + 1]
    return f"{cut[: max(cut.rfind(' '), 0)] or cut[:longest]} …"
