"""The form of a text by which two that differ in spelling alone are recognized as the same."""

from __future__ import annotations

import re
import unicodedata

_GAPS = re.compile(r"[\W_]+")


def normalized(text: str) -> str:
    r"""Return `text` without what does not make it another text: case, accents' encoding, punctuation, white space.

    >>> normalized("  What is BM25?\n") == normalized("what is bm25")
    True
    >>> normalized("The  Cat, ﬁnally!")
    'the cat finally'
    """
    return _GAPS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
