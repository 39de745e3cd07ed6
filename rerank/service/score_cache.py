"""Remember the scores of (query, text) pairs, within a bound of bytes; the least recently used are forgotten first."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from resift.rerank.scorer import Pair, Scores

ENTRY_BYTES = 320
"""Bytes of one entry: its key of 16 bytes, a tuple of four numbers, and their place in an ordered dictionary."""

_NOT_REPORTED = -1  # for scorers that do not report how much of a text they read

_Entry = tuple[float, bool, bool, int]


class ScoreCache:
    """Scores by the revision of the model, the query and the text; safe between threads.

    Texts are kept as digests alone. `hits` and `misses` count pairs.
    """

    def __init__(self, max_bytes: int) -> None:
        """Keep about `max_bytes` bytes at most; 0 keeps nothing."""
        self.most = max_bytes // ENTRY_BYTES
        self.hits = self.misses = 0
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """About how many bytes the entries take."""
        return len(self._entries) * ENTRY_BYTES

    def get(self, revision: str, document_tokens: int | None, pairs: Sequence[Pair]) -> tuple[list[int], Scores] | None:
        """Return the indices of those of `pairs` whose scores are known, with these scores; None if none is.

        `document_tokens`: how many tokens of each document are read at most.
        """
        if not self.most:
            return None
        keys = _keys(revision, document_tokens, pairs)
        with self._lock:
            found = [(place, self._entries[key]) for place, key in enumerate(keys) if key in self._entries]
            for place, _ in found:
                self._entries.move_to_end(keys[place])
            self.hits += len(found)
            self.misses += len(pairs) - len(found)
        if not found:
            return None
        logits, truncated, query_truncated, read = zip(*(entry for _, entry in found), strict=True)
        scores = Scores(
            np.array(logits, dtype=np.float32),
            np.array(truncated, dtype=bool),
            np.array(query_truncated, dtype=bool),
            None if _NOT_REPORTED in read else np.array(read, dtype=np.int64),
        )
        return [place for place, _ in found], scores

    def put(self, revision: str, document_tokens: int | None, pairs: Sequence[Pair], scores: Scores) -> None:
        """Remember the scores of `pairs`."""
        if not self.most:
            return
        keys = _keys(revision, document_tokens, pairs)
        read = [_NOT_REPORTED] * len(pairs) if scores.read_characters is None else scores.read_characters.tolist()
        entries = zip(
            scores.logits.tolist(), scores.truncated.tolist(), scores.query_truncated.tolist(), read, strict=True
        )
        with self._lock:
            for key, entry in zip(keys, entries, strict=True):
                self._entries[key] = entry
                self._entries.move_to_end(key)
            while len(self._entries) > self.most:
                self._entries.popitem(last=False)


def _keys(revision: str, document_tokens: int | None, pairs: Sequence[Pair]) -> list[bytes]:
    """Return the digest of each pair; the lengths keep apart what would run together."""
    keys = []
    start = hashlib.blake2b(f"{revision}\0{document_tokens}\0".encode(), digest_size=16)
    of_queries: dict[str, hashlib.blake2b] = {}
    for query, text in pairs:
        if query not in of_queries:
            found = start.copy()
            found.update(f"{len(query)}\0".encode() + query.encode("utf-8", "surrogatepass"))
            of_queries[query] = found
        digest = of_queries[query].copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        keys.append(digest.digest())
    return keys
