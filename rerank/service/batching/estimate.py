"""Estimate what a request will cost before its texts are tokenized, and how long the queue will take."""

from __future__ import annotations

from collections.abc import Iterable

from resift.rerank.template_budget import BYTES_PER_TOKEN

SPECIAL_TOKENS = 3
"""Special tokens of a pair: [CLS] and two [SEP] for BERT."""

_REMEMBERED = 0.95  # what the earlier batches still count when one more is measured


def probable_tokens(text: str) -> int:
    """Return how many tokens `text` probably has, by its size in UTF-8.

    >>> probable_tokens("how do I reset my password")
    7
    """
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-size // BYTES_PER_TOKEN)


def pair_tokens(query: int, documents: Iterable[int], window: int, passages: int) -> list[int]:
    """Return the probable tokens of each pair, of `query` and each of `documents`, all numbers of tokens.

    `window` is the maximum tokens of a pair that the model reads. A document that is longer is read as up to
    `passages` passages, each with the query.
    """
    room = max(1, window - query - SPECIAL_TOKENS)
    found = []
    for document in documents:
        parts = min(passages, -(-document // room)) if document > room else 1
        found.append(min(parts * window, document + parts * (query + SPECIAL_TOKENS)))
    return found


class Rate:
    """How many probable tokens a second a model scores, by its last batches: their tokens by their time."""

    def __init__(self, tokens_per_second: float = 20_000.0) -> None:
        """Begin with `tokens_per_second`, which counts like half a second of batches."""
        self._seconds = 0.5
        self._tokens = tokens_per_second * self._seconds

    @property
    def tokens_per_second(self) -> float:
        """The rate of the last batches."""
        return self._tokens / self._seconds

    def measure(self, tokens: float, seconds: float) -> None:
        """Take one batch of `tokens` probable tokens into account; a small batch, which is slow, counts little."""
        if tokens > 0 and seconds > 0:
            seconds = min(seconds, 4 * self.seconds(tokens) + 0.1)  # a pause of the process is not the model's speed
            self._tokens = _REMEMBERED * self._tokens + tokens
            self._seconds = _REMEMBERED * self._seconds + seconds

    def seconds(self, tokens: float) -> float:
        """Return how long `tokens` probable tokens take."""
        return tokens / self.tokens_per_second
