"""Who made an index of an engine: only one that resift made is replaced without its name being repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resift.indexer.engine.alias import SLOW, request_or_none
from resift.indexer.engine.mapping import made_by_resift
from resift.retrieval.engine.client import Engine
from resift.retrieval.errors import IndexingError, StatusError
from resift.retrieval.wording import counted


@dataclass(frozen=True, slots=True)
class ExistingIndex:
    """An index that a load would replace.

    `documents`: their number, None if the engine cannot count them, as in a closed index. `aliases`: the aliases of
    the index with their filter, routing and flags; they are lost with the index, so the new one must get them.
    """

    name: str
    ours: bool
    documents: int | None
    aliases: Mapping[str, Any]


def find_index(engine: Engine, name: str) -> ExistingIndex | None:
    """Return the index that is called `name`, None if nothing is.

    Raises IndexingError if the name is an alias or a data stream, or the index belongs to a data stream: none of them
    is ever replaced. Raises EngineError if a request fails.
    """
    found = request_or_none(engine, "GET", f"/{name}")
    if found is None:
        return None
    if list(found) != [name]:
        _refuse_name(engine, name, found)
    facts = found[name]
    if stream := facts.get("data_stream"):
        raise IndexingError(
            f"{engine.url}: {name} belongs to the data stream {stream}, which is not replaced; load into an index of "
            "another name"
        )
    return ExistingIndex(name, made_by_resift(name, facts), _documents(engine, name), facts.get("aliases") or {})


def _refuse_name(engine: Engine, name: str, found: Mapping[str, Any]) -> None:
    """Raise IndexingError for a name that is an alias or a data stream of the indices `found`."""
    streams = {facts.get("data_stream") for facts in found.values()}
    if name in streams:
        raise IndexingError(
            f"{engine.url}: {name} is a data stream, which is not replaced; load into an index of another name"
        )
    raise IndexingError(
        f"{engine.url}: {name} is an alias of {', '.join(found)}; load into an index of another name, with {name} as "
        "the alias to move to it"
    )


def _documents(engine: Engine, name: str) -> int | None:
    try:
        answer: Any = engine.request("GET", f"/{name}/_count", timeout=SLOW)
    except StatusError as error:
        if error.status in (400, 403, 404):  # a closed index, or no right to read it
            return None
        raise
    shards = answer["_shards"]
    return int(answer["count"]) if shards["successful"] == shards["total"] else None


def check_replaceable(engine: Engine, index: ExistingIndex, *, overwrite: bool, confirmed: str) -> None:
    """Raise IndexingError if an index must not be replaced.

    One that resift made needs `overwrite`; any other needs its own name as `confirmed`, whatever `overwrite` is.
    """
    if confirmed and confirmed != index.name:
        raise IndexingError(
            f"{engine.url}: `overwrite_foreign` names {confirmed!r}, but the index to replace is {index.name!r}; "
            "nothing was changed"
        )
    if confirmed or (index.ours and overwrite):
        return
    if index.ours:
        raise IndexingError(
            f"{engine.url}: {index.name} exists and holds {_held(index)}; replace it with `overwrite`, or load beside "
            "it with `alias`"
        )
    raise IndexingError(
        f"{engine.url}: {index.name} exists, holds {_held(index)} and was not made by resift, so it is left as it "
        f"is; load into another index, or repeat its name to remove it with its documents: `overwrite_foreign` "
        f"{index.name}"
    )


def check_alias_ours(engine: Engine, alias: str, confirmed: str) -> None:
    """Raise IndexingError if `alias` points to indices that resift did not make, and `confirmed` does not name each.

    `confirmed` are names separated by commas. An alias that does not exist is free. Raises EngineError if a request
    fails.
    """
    found = request_or_none(engine, "GET", f"/{alias}") or {}
    foreign = [name for name, facts in found.items() if not made_by_resift(name, facts)]
    named = {name.strip() for name in confirmed.split(",") if name.strip()}
    if wrong := sorted(named - set(foreign)):
        raise IndexingError(
            f"{engine.url}: `alias_from` names {', '.join(wrong)}, but {alias} points to "
            f"{', '.join(foreign) or 'no index'} that resift did not make; nothing was changed"
        )
    if set(foreign) - named:
        documents = _documents(engine, alias)
        held = "an unknown number of documents" if documents is None else counted(documents, "document")
        raise IndexingError(
            f"{engine.url}: {alias} points to {', '.join(foreign)}, not made by resift, and serves {held} now, so it "
            f"was not moved; choose another alias, or repeat the name to take the alias from there (no index is "
            f"removed): `alias_from` {','.join(foreign)}"
        )


def _held(index: ExistingIndex) -> str:
    """Return how many documents an index holds, in words."""
    return "an unknown number of documents" if index.documents is None else counted(index.documents, "document")
