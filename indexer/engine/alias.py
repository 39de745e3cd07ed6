"""A new index beside the live one: named by the time, swapped in by one request, older ones kept for a roll-back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from resift.retrieval.engine.client import Engine
from resift.retrieval.errors import IndexingError, StatusError

_SLOW = 300.0  # seconds that removing a large index may take
_NAME = re.compile(r'[^\s\\/*?"<>|,#:_+-][^\s\\/*?"<>|,#:]{0,250}')


def index_name(base: str) -> str:
    """Return a new name for an index: `base` and the time in UTC to the millisecond, so that names sort by age."""
    return f"{base}-{datetime.now(UTC).strftime('%Y%m%d-%H%M%S-%f')[:-3]}"


def check_alias(engine: Engine, alias: str) -> list[str]:
    """Return the indices that `alias` stands for. Raises IndexingError where it can be no alias, or is an index."""
    if not _NAME.fullmatch(alias):
        raise IndexingError(f"{alias!r} can be no alias; expected letters, digits, '-', '_' and '.', such as articles")
    before = _behind(engine, alias)
    _properties(engine, alias)
    if alias in before:
        raise IndexingError(f"{alias} is an index, not an alias; name the alias differently, or remove the index")
    return before


def swap(engine: Engine, alias: str, index: str, keep: int) -> list[str]:
    """Let `alias` stand for `index` alone, in one step; return for which others it stood before.

    Of those that `resift` loaded whole for the same alias the newest `keep` stay; no other index is ever removed.
    Raises IndexingError where an index has the name of the alias.
    """
    before = check_alias(engine, alias)
    actions: list[dict[str, Any]] = [{"remove": {"index": name, "alias": alias}} for name in before if name != index]
    actions.append({"add": {"index": index, "alias": alias, **_properties(engine, alias)}})
    try:
        engine.request("POST", "/_aliases", {"actions": actions})
    except StatusError:
        if _behind(engine, alias) != [index]:  # else it was done, and only the answer was lost
            raise
    for name in _ours(engine, alias, index, whole=True)[keep:]:
        remove_index(engine, name)
    return [name for name in before if name != index]


def unfinished(engine: Engine, alias: str, index: str) -> list[str]:
    """Return the indices that other loads for `alias` left unfinished, or are filling now."""
    return _ours(engine, alias, index, whole=False)


def _properties(engine: Engine, alias: str) -> dict[str, Any]:
    """Return the filter, routing and flags that an alias has. Raises IndexingError where they differ by index."""
    found = if_there(engine, "GET", f"/_alias/{alias}") or {}
    kinds = [one["aliases"][alias] for one in found.values() if alias in one.get("aliases", {})]
    if any(kind != kinds[0] for kind in kinds):
        raise IndexingError(f"{alias} has other filters or routing for each of its indices; move it by hand")
    return dict(kinds[0]) if kinds else {}


def remove_index(engine: Engine, name: str) -> None:
    """Remove an index; one that is gone already is no error, since an answer may be lost and the request come twice."""
    if_there(engine, "DELETE", f"/{name}", timeout=_SLOW)


def if_there(
    engine: Engine,
    method: str,
    path: str,
    params: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
) -> dict[str, Any] | None:
    """Return the engine's answer about an index or an alias; None where it has none of the name."""
    try:
        found: dict[str, Any] = engine.request(method, path, params=params, timeout=timeout)
    except StatusError as error:
        if error.status == 404:
            return None
        raise
    return found


def _behind(engine: Engine, alias: str) -> list[str]:
    """Return the indices that `alias` stands for; the alias itself where it is an index."""
    return sorted(if_there(engine, "GET", f"/{alias}/_settings", {"filter_path": "*.settings.index.uuid"}) or {})


def _ours(engine: Engine, alias: str, live: str, whole: bool) -> list[str]:
    """Return the other indices that were loaded for `alias`, whole or not so, the newest first."""
    family = f"{live.rsplit('-', 3)[0]}-*"  # as `index_name` makes them
    found: dict[str, Any] = engine.request(
        "GET", f"/{family}", params={"filter_path": "*.mappings._meta.resift,*.settings.index.creation_date"}
    )
    older = {
        name: int(one["settings"]["index"]["creation_date"])
        for name, one in found.items()
        if name != live and _was_for(alias, whole, one.get("mappings", {}).get("_meta", {}).get("resift", {}))
    }
    return sorted(older, key=lambda name: older[name], reverse=True)


def _was_for(alias: str, whole: bool, mark: dict[str, Any]) -> bool:
    return mark.get("alias") == alias and bool(mark.get("whole")) == whole
