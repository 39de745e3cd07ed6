"""Read the two indices of User Behavior Insights: the queries with the ids of their hits, and the events on them.

`ubi_records` reads one record, and names the sources of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from resift.rerank.training.mining.clicks.log import ClickLog, Session
from resift.rerank.training.mining.clicks.settings import ClickSettings
from resift.rerank.ubi_records import Record, id_text, is_event, is_query, object_ids, ordinal_of, plain_action

_IMPRESSIONS = frozenset(("impression", "impressions"))


@dataclass(slots=True)
class _Seen:
    """The events on one query: what was clicked, and what was shown by impressions, each as (ids, ordinal)."""

    clicks: list[tuple[tuple[str, ...], int | None]] = field(default_factory=list)
    impressions: list[tuple[tuple[str, ...], int | None]] = field(default_factory=list)


@dataclass(slots=True)
class UbiEvents:
    """The events that matter, by the id of their query; all are in memory, about 300 bytes each.

    `actions` counts those of other actions, by name. `lowest` is the lowest ordinal: if it is 0, ordinals begin at 0.
    """

    settings: ClickSettings
    log: ClickLog
    by_query: dict[str, _Seen] = field(default_factory=dict)
    actions: dict[str, int] = field(default_factory=dict)
    lowest: int | None = None

    def add(self, record: Record) -> None:
        """Add an event; one without the id of a query or of an object is counted as dropped."""
        action = str(record.get("action_name") or "")
        plain = plain_action(action)
        click = plain in self.settings.actions
        if not click and plain not in _IMPRESSIONS:
            self.actions[action] = self.actions.get(action, 0) + 1
            return
        attributes = record.get("event_attributes")
        attributes = attributes if isinstance(attributes, Mapping) else {}
        ids, query_id = object_ids(attributes.get("object")), id_text(record.get("query_id"))
        if not query_id or not ids:
            self.log.dropped["events without the id of a query or of an object"] += 1
            return
        ordinal = ordinal_of(attributes)
        if ordinal is not None:
            self.lowest = ordinal if self.lowest is None else min(ordinal, self.lowest)
        seen = self.by_query.setdefault(query_id, _Seen())
        (seen.clicks if click else seen.impressions).append((ids, ordinal))

    def sessions(self, queries: Iterable[Record]) -> Iterator[Session]:
        """Yield a session for each of `queries`; those of which it is not known what they showed are counted.

        What was shown is the hits that the query returned; if it has none, the impressions that are among its events.
        """
        used: set[str] = set()
        for record in queries:
            query_id, text = id_text(record.get("query_id")), record.get("user_query")
            seen = self.by_query.get(query_id) or _Seen()
            if query_id in used:
                self.log.dropped["queries with an id that was used before"] += 1
                continue
            if query_id in self.by_query:
                used.add(query_id)
            shown, first = _shown(record, seen, zero=self.lowest == 0)
            if not isinstance(text, str) or not text.strip():
                self.log.dropped["queries without a text (user_query)"] += 1
            elif not shown:
                self.log.dropped["queries without hits (query_response_hit_ids) or impressions"] += 1
            else:
                there = set(shown)
                clicked = (next((one for one in ids if one in there), ids[0]) for ids, _ in seen.clicks)
                yield Session(text, shown, frozenset(clicked), first)
        if unknown := len(self.by_query) - len(used):
            self.log.dropped["queries that have events but are not in the log of queries"] += unknown

    def notes(self) -> list[str]:
        """Return a line with the actions that were not counted as clicks, if there are any."""
        if not self.actions:
            return []
        named = sorted(self.actions.items(), key=lambda one: (-one[1], one[0]))[:8]
        listed = ", ".join(f"{name or 'without a name'} ({count})" for name, count in named)
        return [f"events that were not counted as clicks (`click_actions`): {listed}"]


def read_ubi(
    queries: Callable[[], Iterable[Record]],
    events: Callable[[], Iterable[Record]],
    settings: ClickSettings,
    log: ClickLog,
) -> UbiEvents:
    """Add the sessions of UBI to `log`, and return its events; `queries` and `events` may be the same mixture of both.

    Raises what the two raise.
    """
    found = UbiEvents(settings, log)
    for record in events():
        if is_event(record):
            found.add(record)
    log.add_all(found.sessions(record for record in queries() if is_query(record)))
    return found


def _shown(record: Record, seen: _Seen, *, zero: bool) -> tuple[tuple[str, ...], int]:
    """Return the ids of what a query showed, and the position of the first."""
    hits = record.get("query_response_hit_ids")
    if isinstance(hits, list) and hits:
        ids = tuple(filter(None, map(id_text, hits)))
        return ids, 1 + _offset(ids, seen, zero=zero)
    placed = sorted((ordinal, ids[0]) for ids, ordinal in seen.impressions if ordinal is not None)
    if len(placed) < len(seen.impressions) or not placed:
        return tuple(dict.fromkeys(ids[0] for ids, _ in seen.impressions)), 1
    return tuple(dict.fromkeys(doc_id for _, doc_id in placed)), placed[0][0] + zero


def _offset(ids: tuple[str, ...], seen: _Seen, *, zero: bool) -> int:
    """Return how many results were on earlier pages: what all ordinals exceed the places in the list by, or 0."""
    places = {doc_id: place for place, doc_id in enumerate(ids, start=1)}
    distances = {
        ordinal + zero - places[one]
        for known, ordinal in (*seen.clicks, *seen.impressions)
        for one in known
        if ordinal is not None and one in places
    }
    distance = distances.pop() if len(distances) == 1 else 0
    return distance if distance >= len(ids) else 0
