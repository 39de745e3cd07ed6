"""Write a number with its noun, in the singular for one."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return `count` with `noun`, or with its `plural` unless the count is one; a plural is noun + s if not given.

    >>> counted(1, "document"), counted(0, "document"), counted(1200, "query", "queries")
    ('1 document', '0 documents', '1,200 queries')
    """
    return f"{count:,} {noun_for(count, noun, plural)}"


def noun_for(count: int, noun: str, plural: str = "") -> str:
    """Return `noun` if `count` is one, else its `plural`.

    >>> f"the end of 1 of 1 {noun_for(1, 'document')}"
    'the end of 1 of 1 document'
    """
    return noun if count == 1 else plural or f"{noun}s"
