"""Recognize the copies of a text: the same words, or nearly the same sequences of words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from resift.rerank.training.normalized_text import normalized

_SEQUENCE = 3  # words


class TextPrint:
    """The words of a text, and the set of its sequences of three words, which is made when it is first needed."""

    def __init__(self, text: str) -> None:
        """Take the normal form of `text`."""
        self.normal = normalized(text)
        self.words = self.normal.count(" ") + 1 if self.normal else 0

    @cached_property
    def sequences(self) -> frozenset[tuple[str, ...]]:
        """The sequences of three words; of a shorter text, all its words are one."""
        words = self.normal.split(" ")
        if len(words) <= _SEQUENCE:
            return frozenset([tuple(words)])
        return frozenset(zip(words, words[1:], words[2:], strict=False))

    def is_copy(self, other: TextPrint, share: float) -> bool:
        """Return whether both texts have the same words, or `share` of their sequences in common (Jaccard).

        Two texts without words are no copies. Source of the measure: Broder 1997, "On the resemblance and containment
        of documents", https://doi.org/10.1109/SEQUEN.1997.666900.
        """
        if not self.words or not other.words:
            return False
        if self.normal == other.normal:
            return True
        fewer, more = sorted((self.words, other.words))
        if share > 1 or fewer < share * more - 2 * _SEQUENCE or fewer <= _SEQUENCE:
            return False
        common = len(self.sequences & other.sequences)
        return common >= share * (len(self.sequences) + len(other.sequences) - common)


def prints(texts: Iterable[str]) -> list[TextPrint]:
    """Return the prints of the different texts among `texts` that have words."""
    found = [TextPrint(text) for text in dict.fromkeys(texts)]
    return list({one.normal: one for one in found if one.words}.values())


def any_copy(mine: Iterable[TextPrint], others: Iterable[TextPrint], share: float) -> bool:
    """Return whether one of the prints `mine` is a copy of one of `others`."""
    known = list(others)
    return any(one.is_copy(other, share) for one in mine for other in known)
