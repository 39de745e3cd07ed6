"""The record of one search in the log of an experiment: one JSON object per line."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

from resift.rerank.experiments.team_draft import FIRST_STAGE, RERANKED, ShownHit

Kind = Literal["shadow", "interleaved", "reranked"]
"""shadow: the first stage's order was shown; interleaved: a mixture of both; reranked: the reranked order."""
KINDS: tuple[Kind, ...] = get_args(Kind)

Outcome = Literal["reranked", "late", "failed", "skipped"]
"""reranked: there is a reranked order. late, failed: there is none, because the time was up or of an error.

skipped: nothing was reranked on purpose, because of the load or of the request itself.
"""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

MOST_LOGGED = 100
"""How many ids of each order are logged; the first ranks are those that matter."""
_TEAMS = (None, FIRST_STAGE, RERANKED)
_LONGEST_ID = 256  # characters of the id of a search


@dataclass(frozen=True, slots=True)
class ShownSearch:
    """One search: both orders, what was shown, and how long it took.

    `time`: its begin, ISO 8601 in UTC (`utc_now`). `search_id`: what clicks name it by. `first_stage`, `reranked`: the
    ids of both orders from the first hit on; `reranked` is empty without a reranked order. `shown`: the hits of the
    page, of which the first is at position `first`, counted from 1. `window`, `scored`: how many hits were to
    be scored, and how many were. `engine_ms`, `rerank_ms`: milliseconds of the engine's search and of the reranking.
    `query_text`: None if queries are not logged; `query_hash` may then name it (`hashed_query`).
    `draft_id`: which searches were mixed with the same coins, and so are one vote. `reason`: why `outcome` is not
    "reranked". `unread`: the engine's response passed through without being read, so that its hits are not known.
    """

    time: str
    search_id: str
    index: str
    kind: Kind
    first_stage: tuple[str, ...]
    reranked: tuple[str, ...] = ()
    shown: tuple[ShownHit, ...] = ()
    first: int = 1
    query_text: str | None = None
    query_hash: str | None = None
    draft_id: str | None = None
    window: int = 0
    scored: int = 0
    engine_ms: float | None = None
    rerank_ms: float | None = None
    outcome: Outcome = "reranked"
    reason: str | None = None
    unread: bool = False

    @property
    def shown_order(self) -> tuple[str, ...]:
        """The order that people saw if both were not mixed."""
        return self.reranked if self.kind != "shadow" and self.outcome == "reranked" else self.first_stage


def to_line(search: ShownSearch) -> str:
    """Return `search` as one line of JSON that ends in a line break; the orders have at most `MOST_LOGGED` ids.

    >>> to_line(ShownSearch("2026-01-01T00:00:00.000Z", "s1", "shop", "shadow", ("a",), ("a",)))[:56]
    '{"time":"2026-01-01T00:00:00.000Z","search_id":"s1","ind'
    """
    values: dict[str, Any] = {
        "time": search.time,
        "search_id": search.search_id,
        "index": search.index,
        "kind": search.kind,
        "outcome": search.outcome,
        "reason": search.reason,
        "unread": search.unread or None,
        "query_text": search.query_text,
        "query_hash": search.query_hash,
        "draft_id": search.draft_id,
        "window": search.window,
        "scored": search.scored,
        "engine_ms": _milliseconds(search.engine_ms),
        "rerank_ms": _milliseconds(search.rerank_ms),
        "first": search.first,
        "first_stage": search.first_stage[:MOST_LOGGED],
        "reranked": search.reranked[:MOST_LOGGED],
        "shown": [_shown_json(hit) for hit in search.shown],
    }
    known = {name: value for name, value in values.items() if value is not None}
    return json.dumps(known, separators=(",", ":"), allow_nan=False) + "\n"


def from_json(values: Mapping[str, Any]) -> ShownSearch:
    """Return the search of a line of the log; members that are not known are ignored, null is a missing member.

    Raises ValueError, which names the member, if one is missing or has another type.
    """
    kind, outcome = _text(values, "kind"), _text(values, "outcome", "reranked")
    for name, value, known in (("kind", kind, KINDS), ("outcome", outcome, OUTCOMES)):
        if value not in known:
            raise ValueError(f"{name} is {value!r}; expected {', '.join(known)}")
    return ShownSearch(
        time=_time(values),
        search_id=_text(values, "search_id"),
        index=_text(values, "index", ""),
        kind=cast(Kind, kind),
        first_stage=_ids(values, "first_stage"),
        reranked=_ids(values, "reranked"),
        shown=_shown(values.get("shown")),
        first=max(1, _count(values, "first") or 1),
        query_text=_text(values, "query_text", "") or None,
        query_hash=_text(values, "query_hash", "") or None,
        draft_id=_text(values, "draft_id", "") or None,
        window=_count(values, "window"),
        scored=_count(values, "scored"),
        engine_ms=_number(values, "engine_ms"),
        rerank_ms=_number(values, "rerank_ms"),
        outcome=cast(Outcome, outcome),
        reason=_text(values, "reason", "") or None,
        unread=values.get("unread") is True,
    )


def new_search_id() -> str:
    """Return a random id of a search, 22 characters that a header and an address can hold."""
    return secrets.token_urlsafe(16)


def search_id_of(body: object) -> str | None:
    """Return the id that OpenSearch's User Behavior Insights gave a search, `ext.ubi.query_id`; None without one.

    `body` is the search request, or the engine's response to it: the plug-in of OpenSearch makes an id where a request
    has none, and returns it in the same place. Source: https://docs.opensearch.org/latest/search-plugins/ubi/.

    >>> search_id_of({"query": {"match_all": {}}, "ext": {"ubi": {"query_id": "q-1", "client_id": "c"}}})
    'q-1'
    """
    return _ubi_id(body, "query_id")


def client_id_of(body: object) -> str | None:
    """Return the id of the user that UBI gave a search request, `ext.ubi.client_id`; None without one.

    As a part of `draft_key` it lets each user have a vote, also where one application searches for all of them.

    >>> client_id_of({"ext": {"ubi": {"client_id": "c-1"}}})
    'c-1'
    """
    return _ubi_id(body, "client_id")


def hashed_query(text: str, secret: str = "") -> str:
    """Return 16 hexadecimal digits that are the same for the same query, without case and repeated blanks.

    Without a `secret`, whoever guesses a query can check the guess.

    >>> hashed_query("Red  soup", "s") == hashed_query("red soup", "s")
    True
    """
    plain = " ".join(text.casefold().split()).encode("utf-8", "replace")
    key = hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return hashlib.blake2b(plain, digest_size=8, key=key).hexdigest()


def utc_now() -> str:
    """Return the time in UTC as ISO 8601 with milliseconds."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"


def moment_of(time: str) -> datetime:
    """Return an ISO 8601 time in UTC; a time without a zone is in UTC.

    Raises ValueError if it is none, OverflowError if its year in UTC is not 1 to 9999.
    """
    found = datetime.fromisoformat(time)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _ubi_id(body: object, name: str) -> str | None:
    for member in ("ext", "ubi", name):
        body = body.get(member) if isinstance(body, Mapping) else None
    usable = isinstance(body, str) and body.isprintable() and body.isascii() and 0 < len(body) <= _LONGEST_ID
    return str(body) if usable else None


def _milliseconds(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 3)


def _shown_json(hit: ShownHit) -> dict[str, str]:
    return {"doc_id": hit.doc_id} if hit.team is None else {"doc_id": hit.doc_id, "team": hit.team}


def _text(values: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = values.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or not (value or default is not None):
        raise ValueError(f"{name} is {_named(value)}; expected a text")
    return value


def _time(values: Mapping[str, Any]) -> str:
    text = _text(values, "time")
    try:
        moment_of(text)
    except (ValueError, OverflowError):
        raise ValueError(f"time is {_named(text)}; expected ISO 8601") from None
    return text


def _ids(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = values.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not set(map(type, value)) <= {str}:  # a million searches have 200 million ids
        raise ValueError(f"{name} is {_named(value)}; expected a list of ids")
    return tuple(value)


def _shown(value: object) -> tuple[ShownHit, ...]:
    rows = [] if value is None else value
    if not isinstance(rows, list):
        raise ValueError(f"shown is {_named(value)}; expected a list")
    made = []
    for row in rows:
        doc_id, team = (row.get("doc_id"), row.get("team")) if type(row) is dict else (None, None)
        if type(doc_id) is not str or team not in _TEAMS:
            raise ValueError(f"shown has {_named(row)}; expected objects with doc_id and team")
        made.append(ShownHit(doc_id, team))
    return tuple(made)


def _count(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is {_named(value)}; expected a number of hits")
    return value


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{name} is {_named(value)}; expected milliseconds")
    return float(value)


def _named(value: object) -> str:
    """Return a value of JSON as a short text for a message."""
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
