"""The sessions of a click log, and their sums: how often a result was shown, clicked and skipped at each position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from resift.retrieval.text import clean

_LONGEST_QUERY = 1000  # characters; what is longer was not typed by a person
_LAST_POSITION = 10_000  # no engine shows results below it, and a propensity is kept for each position


@dataclass(frozen=True, slots=True)
class Session:
    """One list of results as a user saw it: `shown` from position `first` on, and those that were `clicked`."""

    query: str
    shown: tuple[str, ...]
    clicked: frozenset[str] = frozenset()
    first: int = 1


@dataclass(slots=True)
class ClickedQuery:
    """The sums over all sessions of one query.

    `shown` is doc_id -> position -> [impressions, clicks]. `skips` is doc_id -> sessions in which it was not clicked
    while a result below was. `texts` are the ways in which the query was written.
    """

    sessions: int = 0
    texts: Counter[str] = field(default_factory=Counter)
    shown: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    skips: Counter[str] = field(default_factory=Counter)

    @property
    def text(self) -> str:
        """The most frequent way in which the query was written, the first of equally frequent ones."""
        return self.texts.most_common(1)[0][0]


@dataclass(slots=True)
class ClickLog:
    """The sums over all sessions of a log, by the query without case and repeated blanks.

    `dropped` counts what could not be used, by reason.
    """

    most_shown: int = 50
    queries: dict[str, ClickedQuery] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    sessions: int = 0
    clicks: int = 0

    def add_all(self, sessions: Iterable[Session]) -> None:
        """Add all `sessions`."""
        for session in sessions:
            self.add(session)

    def add(self, session: Session) -> None:
        """Add a session; one without a query or without results is dropped, and so are clicks on what was not shown."""
        text = " ".join(clean(session.query).split())
        if not text or len(text) > _LONGEST_QUERY:
            self.dropped["sessions without a query, or with one of more than 1,000 characters"] += 1
            return
        shown = list(dict.fromkeys(session.shown))[: self.most_shown]
        if not shown:
            self.dropped["sessions without results"] += 1
            return
        if session.first > _LAST_POSITION:
            self.dropped[f"sessions that begin below position {_LAST_POSITION:,}"] += 1
            return
        clicked = session.clicked & set(shown)
        if strangers := len(session.clicked) - len(clicked):
            self.dropped["clicks on results that were not shown"] += strangers
        self.sessions += 1
        self.clicks += len(clicked)
        self._count(self.queries.setdefault(text.casefold(), ClickedQuery()), text, shown, clicked, session.first)

    def _count(self, query: ClickedQuery, text: str, shown: list[str], clicked: Collection[str], first: int) -> None:
        query.sessions += 1
        query.texts[text] += 1
        last_click = max((place for place, doc_id in enumerate(shown) if doc_id in clicked), default=-1)
        for place, doc_id in enumerate(shown):
            counts = query.shown.setdefault(doc_id, {}).setdefault(first + place, [0, 0])
            counts[0] += 1
            counts[1] += doc_id in clicked
            if place < last_click and doc_id not in clicked:
                query.skips[doc_id] += 1


def own_sessions(records: Iterable[tuple[int | None, Mapping[str, Any], str]], log: ClickLog) -> Iterator[Session]:
    """Yield the sessions of resift's own form, (line, values, problem) each; bad ones are counted in `log`.

    {"query": "red soup", "shown": ["d1", "d2"], "clicked": ["d2"], "first": 1}; `first` is the position of the first
    result shown, 1 if it is left out, and `clicked` may be one id.
    """
    for _, values, problem in records:
        query, first = values.get("query"), values.get("first", 1)
        shown, clicked = _ids(values.get("shown")), _ids(values.get("clicked"))
        bad = problem or not isinstance(query, str) or shown is None or clicked is None
        if bad or isinstance(first, bool) or not isinstance(first, int) or first < 1:
            log.dropped["lines that are no session: query, shown, clicked"] += 1
            continue
        assert isinstance(query, str) and shown is not None and clicked is not None
        yield Session(query, shown, frozenset(clicked), first)


def _ids(value: object) -> tuple[str, ...] | None:
    """Return ids as texts; one id is a list of one, nothing an empty list; None for anything else."""
    members = [] if value is None else value if isinstance(value, list) else [value]
    if any(isinstance(member, bool) or not isinstance(member, str | int) for member in members):
        return None
    return tuple(clean(str(member)) for member in members)
