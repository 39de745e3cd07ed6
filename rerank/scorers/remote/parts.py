"""Divide pairs into requests, ask for each, and halve one that the server refuses for its size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resift.rerank.scorer import Pair, Scores
from resift.rerank.scorers.remote.exchange import Ask, Exchange, Steps, TooLargeError
from resift.rerank.scorers.remote.probabilities import to_logits
from resift.rerank.scorers.remote.reply import Part, ReplyError, join
from resift.rerank.scorers.remote.server import Server
from resift.retrieval.text import clean

MOST_BYTES = 1_500_000
"""The bytes of texts in a request at most, unless one text alone has more; TEI refuses a request above 2 MB."""


@dataclass(slots=True)
class Requests:
    """The requests for pairs to one server; `most` is the largest number of pairs in one, which a refusal lowers."""

    server: Server
    exchange: Exchange
    most: int

    def divide(self, pairs: Sequence[Pair], most: int | None = None) -> list[list[int]]:
        """Return the indices of `pairs` that each request has, all with one query unless the dialect mixes them.

        A request has at most `most` pairs, if that is given and below what the server takes.
        """
        limit = min(self.most, most or self.most)
        groups: dict[str, list[int]] = {}
        for index, (query, _) in enumerate(pairs):
            groups.setdefault("" if self.server.dialect.mixed else query, []).append(index)
        return [part for group in groups.values() for part in _cut(pairs, group, limit)]

    def score(self, pairs: Sequence[Pair]) -> Steps[Part]:
        """Ask for the scores of `pairs`, at least one; in halves if the server refuses so many. Raises ModelError."""
        texts = [(clean(query), clean(document)) for query, document in pairs]
        body = json.dumps(self.server.dialect.body(texts, self.server.model), ensure_ascii=False).encode()
        half = len(pairs) // 2
        try:
            reply = yield from self.exchange.json(Ask(self.server.url, body))
        except TooLargeError as error:
            if not half:
                raise
            if error.by_count:
                self.most = max(1, min(self.most, half))
        else:
            try:
                return self.server.dialect.read(reply, len(pairs))
            except ReplyError as error:
                raise self.exchange.unusable(error) from None
        first = yield from self.score(pairs[:half])
        second = yield from self.score(pairs[half:])
        return join([first, second])

    def assemble(self, pairs: Sequence[Pair], divided: Sequence[Sequence[int]], parts: Sequence[Part]) -> Scores:
        """Return the scores of `pairs` from the parts, one for each of `divided`."""
        whole = join(list(parts))
        back = np.argsort(np.concatenate([np.asarray(part, dtype=np.int64) for part in divided]))  # place of each pair
        values = whole.values[back]  # (n,)
        logits = values.astype(np.float32)
        if not self.server.dialect.logits:
            of_query: dict[str, list[int]] = {}
            for index, (query, _) in enumerate(pairs):
                of_query.setdefault(query, []).append(index)
            for rows in of_query.values():
                logits[rows] = to_logits(values[rows])
        return whole.with_logits(logits, back)


def _cut(pairs: Sequence[Pair], indices: Sequence[int], most: int) -> list[list[int]]:
    """Cut `indices` into parts of at most `most` pairs and `MOST_BYTES`, of almost equal length."""
    parts: list[list[int]] = []
    count = -(-len(indices) // most)
    size, filled = -(-len(indices) // count), MOST_BYTES + 1
    for index in indices:
        length = len(pairs[index][1].encode("utf-8", "replace"))
        if not parts or len(parts[-1]) == size or filled + length > MOST_BYTES:
            parts.append([])
            filled = len(pairs[index][0])
        parts[-1].append(index)
        filled += length
    return parts
