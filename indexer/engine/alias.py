"""Replace an index behind an alias: create a new one, move the alias in one request, keep older ones for a rollback."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from resift.indexer.engine.mapping import made_by_resift
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.retry import Retry
from resift.retrieval.errors import IndexingError, StatusError

SLOW = 300.0
"""Timeout in seconds of requests that take long: to create, remove, refresh or count a large index."""
_NAME = re.compile(r'[^\s\\/*?"<>|,#:_+-][^\s\\/*?"<>|,#:]{0,250}')


_TIME = re.compile(r"\d{8}-\d{6}-\d{3}")  # as `index_name` adds it


class Swapped(NamedTuple):
    """The other indices that an alias pointed to `before`, and the older ones that were `removed`."""

    before: list[str]
    removed: list[str]


def index_name(base: str) -> str:
    """Return a new index name: `base` and the time in UTC to the millisecond, so that names sort by age."""
    return f"{base}-{datetime.now(UTC).strftime('%Y%m%d-%H%M%S-%f')[:-3]}"


def check_alias(engine: Engine, alias: str) -> list[str]:
    """Return the indices behind `alias`. Raises IndexingError if it is not a valid alias name, or is an index."""
    if not _NAME.fullmatch(alias):
        raise IndexingError(f"{alias!r} is not a valid alias; expected letters, digits, '-', '_' and '.'")
    before = _indices_behind(engine, alias)
    _properties(engine, alias)
    if alias in before:
        raise IndexingError(f"{alias} is an index, not an alias; choose another alias, or remove the index")
    return before


def swap(engine: Engine, alias: str, index: str, keep: int) -> Swapped:
    """Point `alias` to `index` alone, in one request; return the other indices that it pointed to before.

    Of the older indices that resift loaded completely for this alias, the newest `keep` are kept and the others
    removed, unless an alias points to them; no other index is ever removed. Raises IndexingError if an index has the
    name of the alias, or its properties differ between its indices, and EngineError if a request fails.
    """
    before = check_alias(engine, alias)
    actions: list[dict[str, Any]] = [{"remove": {"index": name, "alias": alias}} for name in before if name != index]
    actions.append({"add": {"index": index, "alias": alias, **_properties(engine, alias)}})
    try:
        engine.request("POST", "/_aliases", {"actions": actions})
    except StatusError:
        if _indices_behind(engine, alias) != [index]:  # else the alias was moved, and only the response was lost
            raise
    older = _loaded_for(engine, alias, index, complete=True)[keep:]
    for name in older:
        remove_index(engine, name)
    return Swapped([name for name in before if name != index], older)


def unfinished(engine: Engine, alias: str, index: str) -> list[str]:
    """Return the indices of other loads for `alias` that were stopped, or are still running."""
    return _loaded_for(engine, alias, index, complete=False)


def _properties(engine: Engine, alias: str) -> dict[str, Any]:
    """Return the filter, routing and flags of an alias. Raises IndexingError if they differ between its indices."""
    found = request_or_none(engine, "GET", f"/_alias/{alias}") or {}
    kinds = [one["aliases"][alias] for one in found.values() if alias in one.get("aliases", {})]
    if any(kind != kinds[0] for kind in kinds):
        raise IndexingError(f"{alias} has different filters or routing for its indices; move it by hand")
    return dict(kinds[0]) if kinds else {}


def remove_index(engine: Engine, name: str) -> None:
    """Remove an index if it exists; after a lost response, the retry does not find it any more."""
    request_or_none(engine, "DELETE", f"/{name}", timeout=SLOW)


def request_or_none(
    engine: Engine,
    method: str,
    path: str,
    params: Mapping[str, Any] | None = None,
    *,
    retry: Retry | None = None,
    timeout: float | None = None,
) -> dict[str, Any] | None:
    """Send a request about an index or an alias; return the response, or None if it does not exist (404).

    `retry` and `timeout` are those of `Engine.request`.
    """
    try:
        found: dict[str, Any] = engine.request(method, path, params=params, retry=retry, timeout=timeout)
    except StatusError as error:
        if error.status == 404:
            return None
        raise
    return found


def _indices_behind(engine: Engine, alias: str) -> list[str]:
    """Return the indices behind `alias`; the name itself if it is an index."""
    return sorted(request_or_none(engine, "GET", f"/{alias}/_settings", {"filter_path": "*.settings.index.uuid"}) or {})


def _loaded_for(engine: Engine, alias: str, live: str, complete: bool) -> list[str]:
    """Return the other indices loaded for `alias`, either the complete or the incomplete ones, the newest first.

    An index that another alias points to, and a copy that somebody made of a loaded index, are not among them.
    """
    family = live.rsplit("-", 3)[0]
    wanted = "*.mappings._meta.resift,*.settings.index.creation_date,*.aliases"
    found: dict[str, Any] = engine.request("GET", f"/{family}-*", params={"filter_path": wanted})
    older = {
        name: int(one["settings"]["index"]["creation_date"])
        for name, one in found.items()
        if name != live
        and _TIME.fullmatch(name.removeprefix(f"{family}-"))
        and made_by_resift(name, one)
        and not one.get("aliases")
        and _matches(alias, complete, one["mappings"]["_meta"]["resift"])
    }
    return sorted(older, key=lambda name: older[name], reverse=True)


def _matches(alias: str, complete: bool, facts: dict[str, Any]) -> bool:
    return facts.get("alias") == alias and bool(facts.get("whole")) == complete
