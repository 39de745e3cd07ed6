"""The existing index that documents are added to or deleted from, and how its documents are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from resift.indexer.engine.alias import request_or_none
from resift.indexer.engine.mapping import made_by_resift
from resift.indexer.engine.settings import LoadSettings
from resift.retrieval.engine.address import Address
from resift.retrieval.engine.client import Engine
from resift.retrieval.engine.fields import PARENT
from resift.retrieval.engine.index_meta import resift_meta
from resift.retrieval.errors import IndexingError


@dataclass(frozen=True, slots=True)
class WrittenIndex:
    """One existing index.

    `name`: its own, not that of an alias. `uuid`: the engine's id of it, which an index of the same name that is
    created later does not have. `passages`: True if its documents are split, into parts of `words` words, of which
    `overlap` are repeated; 0 if unknown. `takes_texts`: True if it has our field `text`. `foreign_mapping`: its
    mapping if another program made it, None if resift made it or the index of which it is a copy.
    """

    name: str
    uuid: str
    passages: bool
    words: int
    overlap: int
    takes_texts: bool
    foreign_mapping: Mapping[str, Any] | None


def find_written(engine: Engine, address: Address, settings: LoadSettings) -> WrittenIndex:
    """Return the index at `address`, which may be an alias of one index.

    Raises IndexingError if there is none, or several, or its documents are split in another way than `settings` say.
    """
    if any(character in address.index for character in "*,"):
        raise IndexingError(f"{address.index!r} names several indices; expected the one to change")
    found = request_or_none(engine, "GET", f"/{address.index}") or {}
    if not found:
        raise IndexingError(f"{engine.url}: there is no index {address.index}; check the name, or load it first")
    if any("data_stream" in facts for facts in found.values()):
        raise IndexingError(
            f"{engine.url}: {address.index} is a data stream, which only takes new documents; name an index"
        )
    if len(found) > 1:
        raise IndexingError(
            f"{engine.url}: {address.index} is an alias of {', '.join(found)}; name the one index to change"
        )
    [(name, facts)] = found.items()
    alias = (facts.get("aliases") or {}).get(address.index) or {}
    if alias.get("is_write_index") is False:
        raise IndexingError(
            f"{engine.url}: the alias {address.index} does not allow writing (is_write_index is false); name the index"
        )
    index = _index(name, facts)
    return _checked(index, settings)


def _index(name: str, facts: Mapping[str, Any]) -> WrittenIndex:
    properties = (facts.get("mappings") or {}).get("properties") or {}
    meta = resift_meta(facts)
    return WrittenIndex(
        name,
        facts["settings"]["index"]["uuid"],
        PARENT in properties,
        int(meta.get("passage_words") or 0),
        int(meta.get("passage_overlap") or 0),
        made_by_resift(name, facts) or "text" in properties,
        None if meta.get("load") else facts.get("mappings") or {},
    )


def _checked(index: WrittenIndex, settings: LoadSettings) -> WrittenIndex:
    """Return `index` with the length of its passages. Raises IndexingError if `settings` contradict it."""
    given = (settings.passage_words, settings.passage_overlap)
    if not index.passages:
        if settings.passage_words:
            raise IndexingError(f"the documents of {index.name} are not split into passages; leave out passage_words")
        return index
    if not index.words:
        if not settings.passage_words:
            raise IndexingError(
                f"{index.name} was loaded as passages by a version that did not record their length; give the "
                "passage_words and passage_overlap of that load"
            )
        return replace(index, words=given[0], overlap=given[1])
    if settings.passage_words and given != (index.words, index.overlap):
        raise IndexingError(
            f"{index.name} has passages of {index.words} words that overlap by {index.overlap}; leave out "
            "passage_words and passage_overlap, or give these values"
        )
    return index


def check_takes_texts(engine: Engine, index: WrittenIndex) -> None:
    """Raise IndexingError if documents would add fields that an index, made by somebody else, does not have."""
    if not index.takes_texts:
        raise IndexingError(
            f"{engine.url}: {index.name} was not made by resift and has no field text; documents are "
            "written into the fields title and text alone (`text_field` names the text in the source, not in the "
            "index), so they would add one: add them with the program that fills this index"
        )


def check_same(engine: Engine, index: WrittenIndex) -> None:
    """Raise IndexingError if an index was removed, or created again, since it was read."""
    params = {"filter_path": "*.settings.index.uuid"}
    found = request_or_none(engine, "GET", f"/{index.name}/_settings", params) or {}
    if found.get(index.name, {}).get("settings", {}).get("index", {}).get("uuid") != index.uuid:
        raise IndexingError(f"{engine.url}: {index.name} was removed or replaced while it was being changed")
