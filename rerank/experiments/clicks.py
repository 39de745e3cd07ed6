"""Read clicks, as UBI's events or as plain JSON lines, and find the hits of a logged search that were clicked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from resift.rerank.experiments.log import ShownSearch
from resift.rerank.experiments.log_reader import LogProblems, read_objects
from resift.rerank.experiments.team_draft import ShownHit
from resift.rerank.ubi_records import id_text, is_bulk_action, is_event, is_query, object_ids, plain_action
from resift.retrieval.errors import CorpusError
from resift.retrieval.text import shorten

UBI_FIELDS = ("query_id", "action_name", "event_attributes.object")
"""The fields of an index of UBI's events that are read."""
_HOPELESS = 1000  # records without a click at the beginning of a file, after which it is refused
_MISSING = object()
_MOST_PROBLEMS = 1000  # different problems of a file that are not named twice
_MOST_ACTIONS = 1000  # names of other actions that are counted

_Ids = tuple[str, ...]
"""The ids that one click may mean, the likeliest first: UBI has the id of an object, and that in the index."""
_UNKNOWN, _NOT_SHOWN, _USED, _NOT_READ = 0, 1, 2, 3


@dataclass(slots=True)
class Clicks:
    """All clicks by the id of their search, in memory: less than 500 bytes for each. A click counts once.

    `actions`: the actions of UBI that are a click, as `plain_action` writes them. `read`: clicks that were read.
    `duplicates`: clicks on a hit that was clicked before in the same search. `others`: UBI's events of other actions.
    """

    actions: Collection[str]
    read: int = 0
    duplicates: int = 0
    others: Counter[str] = field(default_factory=Counter)
    problems: list[LogProblems] = field(default_factory=list)
    _by_search: dict[str, dict[_Ids, int]] = field(default_factory=dict)
    _ids: dict[_Ids, _Ids] = field(default_factory=dict)

    def read_file(self, path: str) -> None:
        """Add the clicks of a file of JSON lines; "-" is standard input.

        Raises CorpusError if it cannot be opened, or its first 1,000 records have neither form.
        """
        problems, known, unknown = LogProblems(path), 0, 0
        named: set[str] = set()
        self.problems.append(problems)
        for number, values in read_objects(path, problems):
            for record in _records(values):
                if self.add(record):
                    known += 1
                    continue
                unknown += 1
                problem = _problem(record)
                if problem in named:
                    problems.bad += 1  # it is named once
                    continue
                problems.add(number, problem)
                if len(named) < _MOST_PROBLEMS:
                    named.add(problem)
            if not known and unknown >= _HOPELESS:
                raise CorpusError(f"has no clicks: {problems.first[0][1]}", path, problems.first[0][0])

    def add(self, record: Mapping[str, Any]) -> bool:
        """Add a click, and return whether the record has a form that is known: a click, or another record of UBI."""
        if "search_id" in record:
            return self._add(id_text(record["search_id"]), (id_text(record.get("doc_id")),))
        if is_event(record):
            action = str(record["action_name"] or "")
            if plain_action(action) not in self.actions:
                if action in self.others or len(self.others) < _MOST_ACTIONS:
                    self.others[action] += 1
                return True
            attributes = record.get("event_attributes")
            target = attributes.get("object") if isinstance(attributes, Mapping) else None
            return self._add(id_text(record.get("query_id")), object_ids(target))
        return is_query(record) or is_bulk_action(record)

    def of(self, search: ShownSearch) -> list[ShownHit]:
        """Return the hits of `search` that were clicked, each click once, in the order in which they were shown.

        If the log does not have the page, it is not known where it ended, and all logged hits may have been shown.
        """
        clicks = self._by_search.get(search.search_id)
        if not clicks:
            return []
        hits = search.shown or tuple(map(ShownHit, search.shown_order))
        shown = {hit.doc_id: place for place, hit in enumerate(hits)}
        places = set()
        for ids, state in clicks.items():
            place = next((shown[one] for one in ids if one in shown), None)
            if place is not None and state != _USED:
                places.add(place)
            missing = _NOT_READ if search.unread else _NOT_SHOWN
            clicks[ids] = _USED if place is not None or state == _USED else missing
        return [hits[place] for place in sorted(places)]

    def leave_out(self, search: ShownSearch) -> None:
        """Remember that `search` is in the log although it is not looked at, so that its clicks are not unknown."""
        if clicks := self._by_search.get(search.search_id):
            clicks.update(dict.fromkeys(clicks, _USED))

    @property
    def kept(self) -> int:
        """How many different clicks there are."""
        return sum(map(len, self._by_search.values()))

    @property
    def unknown(self) -> int:
        """How many clicks name a search that no log has; it is known when all logs were read."""
        return self._count(_UNKNOWN)

    @property
    def not_shown(self) -> int:
        """How many clicks name a hit that their search did not show."""
        return self._count(_NOT_SHOWN)

    @property
    def not_read(self) -> int:
        """How many clicks are in responses that passed through without being read."""
        return self._count(_NOT_READ)

    def notes(self) -> Iterator[str]:
        """Yield a sentence for each kind of record that was not used."""
        for problems in self.problems:
            yield from problems.notes()
        if self.others:
            named = ", ".join(
                f"{shorten(name, 40) or 'without a name'} ({n:,})" for name, n in self.others.most_common(8)
            )
            yield f"events that were not counted as clicks (`click_actions`): {named}"
        if self.unknown:
            yield f"{self.unknown:,} of {self.kept:,} clicks name a search that is not in the log (search_id, query_id)"
        if self.not_shown:
            yield f"{self.not_shown:,} of {self.kept:,} clicks name a hit that their search did not show: other ids?"
        if self.not_read:
            count = f"{self.not_read:,} of {self.kept:,}"
            yield f"{count} clicks are in responses that passed through; their hits are unknown"

    def _add(self, search_id: str, ids: _Ids) -> bool:
        if not search_id or not all(ids) or not ids:
            return False
        self.read += 1
        shared = self._ids.get(ids)
        if shared is None:
            shared = self._ids[ids] = tuple(map(intern, ids))
        clicks = self._by_search.setdefault(search_id, {})
        self.duplicates += shared in clicks
        clicks.setdefault(shared, _UNKNOWN)
        return True

    def _count(self, state: int) -> int:
        return sum(one == state for clicks in self._by_search.values() for one in clicks.values())


def _problem(record: Mapping[str, Any]) -> str:
    """Return why a record is not a click: an id that it lacks, or other members than expected."""
    if "search_id" in record:
        ids = {name: record.get(name, _MISSING) for name in ("search_id", "doc_id")}
    elif is_event(record):
        attributes = record.get("event_attributes")
        target = attributes.get("object", _MISSING) if isinstance(attributes, Mapping) else _MISSING
        named = object_ids(target)[:1] or (
            target.get("object_id", _MISSING) if isinstance(target, Mapping) else target,
        )
        ids = {"query_id": record.get("query_id", _MISSING), "event_attributes.object.object_id": named[0]}
    else:
        expected = "search_id and doc_id, or an event of UBI: query_id, action_name, event_attributes.object"
        return f"has {', '.join(map(repr, record))}; expected {expected}"
    wrong = [f"{name} is {_shown(value)}" for name, value in ids.items() if not id_text(value)]
    return f"{' and '.join(wrong)}; expected an id, a text or a whole number"


def _shown(value: object) -> str:
    if value is _MISSING:
        return "missing"
    return "null" if value is None else "empty" if value == "" else f"a {type(value).__name__}"


def _records(values: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a line: itself, what is in its `_source`, or the hits of a response of an engine."""
    found = values.get("hits")
    hits = found.get("hits") if isinstance(found, Mapping) else None
    for one in hits if isinstance(hits, list) else [values]:
        source = one.get("_source") if isinstance(one, Mapping) else None
        if isinstance(source, Mapping):
            yield source
        elif isinstance(one, Mapping):
            yield one
