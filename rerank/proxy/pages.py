"""Remembered rankings: a later page of a search continues the ranking that the earlier ones were taken from."""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resift.rerank.experiments.team_draft import Team

_NOT_OF_THE_RANKING = frozenset(
    (
        *("from", "size", "search_after", "track_total_hits", "aggs", "aggregations", "highlight", "suggest"),
        *("_source", "fields", "docvalue_fields", "stored_fields", "script_fields", "explain", "profile", "version"),
        *("seq_no_primary_term", "timeout", "request_cache", "typed_keys", "rest_total_hits_as_int", "pretty"),
        *("_source_includes", "_source_excludes", "human", "error_trace", "ccs_minimize_roundtrips", "stats"),
    )
)
_OF_THE_CALLER = (b"auth", b"cookie", b"user", b"tenant", b"token", b"jwt", b"role", b"impersonate", b"runas")
_NOT_OF_THE_CALLER = (b"user-agent",)
HitKey = tuple[str, str]
"""The index and the id of a hit."""


@dataclass(slots=True)
class Remembered:
    """The order of the hits of a window, and what it is: a header of the responses that use it.

    `reranked`: False if it is the engine's own order, since the model was late or failed. `teams`: which order each hit
    is from if two were mixed, by the coins of `draft`.
    """

    order: tuple[HitKey, ...]
    label: str
    reranked: bool
    teams: tuple[Team | None, ...] = ()
    draft: str | None = None
    used: float = 0.0


def identity(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return a digest of the headers that say who the caller is, by their names: those of both engines and others."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted((name.lower(), value) for name, value in headers):
        if name in _NOT_OF_THE_CALLER or not any(part in name for part in _OF_THE_CALLER):
            continue
        digest.update(b"%d %b%d %b" % (len(name), name, len(value), value))
    return digest.digest()


def ranking_key(caller: bytes, rule: str, request: Mapping[str, Any]) -> bytes:
    """Return the key of the ranking that a search asks for: equal for the pages of one search of one caller."""
    kept = {name: value for name, value in request.items() if name not in _NOT_OF_THE_RANKING and value is not None}
    pit = kept.get("pit")
    if isinstance(pit, Mapping):
        kept["pit"] = pit.get("id")
    text = json.dumps(kept, sort_keys=True, default=str)
    return hashlib.blake2b(caller + rule.encode() + b"\0" + text.encode("utf-8", "surrogatepass")).digest()


def hit_keys(hits: Sequence[Mapping[str, Any]]) -> list[HitKey]:
    """Return the index and the id of each hit."""
    return [(str(hit.get("_index")), str(hit.get("_id"))) for hit in hits]


class Pages:
    """The rankings that were returned lately, the least recently used forgotten first; used by the event loop alone."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember at most `most` rankings, each for `seconds` after it was last used."""
        self._most, self._seconds, self._clock = most, seconds, clock
        self._known: OrderedDict[bytes, Remembered] = OrderedDict()

    def __len__(self) -> int:
        """Return how many rankings are remembered."""
        return len(self._known)

    def find(self, key: bytes) -> Remembered | None:
        """Return the ranking of `key`, None if it is not known or too old."""
        found = self._known.get(key)
        if found is None:
            return None
        now = self._clock()
        if now - found.used > self._seconds:
            del self._known[key]
            return None
        found.used = now
        self._known.move_to_end(key)
        return found

    def store(self, key: bytes, ranking: Remembered) -> None:
        """Remember a ranking, in place of another of the same key."""
        if self._most < 1:
            return
        ranking.used = self._clock()
        self._known[key] = ranking
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)


def places(ranking: Remembered, keys: Sequence[HitKey]) -> list[int]:
    """Return the places of the hits `keys` in the order of `ranking`; hits that it does not know come last.

    >>> places(Remembered((("i", "b"), ("i", "a")), "reranked", True), [("i", "a"), ("i", "new"), ("i", "b")])
    [2, 0, 1]
    """
    where = {key: place for place, key in enumerate(keys)}
    known = [where[key] for key in ranking.order if key in where]
    found = set(known)
    return [*known, *(place for place in range(len(keys)) if place not in found)]
