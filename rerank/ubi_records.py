"""Read one record of User Behavior Insights: a query with the ids of its hits, or an event on it.

Sources: the schemas 1.3.0 of queries and events at https://github.com/o19s/ubi, and the mappings of OpenSearch's
plug-in at https://github.com/opensearch-project/user-behavior-insights. A query has query_id, user_query and
query_response_hit_ids; an event has query_id, action_name, and event_attributes with object.object_id (or internal_id)
and position.ordinal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BULK = frozenset(("index", "create", "update", "delete"))

Record = Mapping[str, Any]


def is_event(record: Record) -> bool:
    """Return whether a record is an event of UBI."""
    return "action_name" in record


def is_query(record: Record) -> bool:
    """Return whether a record is a query of UBI."""
    return "action_name" not in record and "query_id" in record


def is_ubi(record: Record) -> bool:
    """Return whether a record is one of UBI, or the line before one in the form of the engines' bulk requests."""
    return is_event(record) or is_query(record) or is_bulk_action(record)


def is_bulk_action(record: Record) -> bool:
    """Return whether a record is the line of a bulk request that comes before a document."""
    return len(record) == 1 and set(record) <= _BULK


def object_ids(found: object) -> tuple[str, ...]:
    """Return the ids of an event's object: object_id first, then internal_id."""
    if not isinstance(found, Mapping):
        return ()
    ids = (id_text(found.get(name)) for name in ("object_id", "internal_id"))
    return tuple(dict.fromkeys(filter(None, ids)))


def ordinal_of(attributes: Record) -> int | None:
    """Return the position of an event's object as it was logged, None without one."""
    position = attributes.get("position")
    value = position.get("ordinal") if isinstance(position, Mapping) else attributes.get("rank")
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if whole else None


def id_text(value: object) -> str:
    """Return an id as a text: a number as its digits, and anything else as an empty text."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def plain_action(name: str) -> str:
    """Return an action's name as names are compared: without case, blanks, hyphens and underscores.

    >>> plain_action("Click-Through")
    'clickthrough'
    """
    return "".join(character for character in name.casefold() if character not in "-_ ")
