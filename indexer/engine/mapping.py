"""The settings and mapping of a new index, and the stored form of a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from resift.indexer.engine.settings import LoadSettings
from resift.indexer.origin import resift_version, time_now
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.fields import ALL_TEXT, PARENT
from resift.retrieval.engine.index_meta import resift_meta
from resift.retrieval.types import Document

RESERVED = ("title", "text", ALL_TEXT, PARENT)
"""The fields of a loaded index that resift itself fills."""
_LONGEST_KEYWORD = 1024  # characters; a longer value is stored and returned, but not found by exact match
_BUILT_IN = frozenset(
    "arabic armenian basque bulgarian catalan czech danish dutch english finnish french galician german greek hindi "
    "hungarian indonesian irish italian latvian lithuanian norwegian persian portuguese romanian russian spanish "
    "swedish turkish standard whitespace".split()
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a new index comes from, which is stored in the `_meta` of its mapping.

    `load_id`: the load that creates it. `source`: the name of the source. `alias`: the alias for which it is loaded.
    `kept`: the aliases of the index that it replaces, with their filters and routing.
    """

    index: str
    load_id: str
    source: str = ""
    alias: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)

    def meta(self, load: LoadSettings, language: str) -> dict[str, object]:
        """Return what the index carries; `index` is its name, so that a copy under another name is not ours."""
        return {
            "version": resift_version(),
            "created": time_now(),
            "source": self.source,
            "language": language,
            "index": self.index,
            "alias": self.alias,
            "load": self.load_id,
            "passage_words": load.passage_words,
            "passage_overlap": load.passage_overlap,
        }


def index_body(bm25: Bm25Settings, load: LoadSettings, origin: Origin) -> dict[str, Any]:
    """Return the body that creates the index of a load, without replicas and refresh until the load ends.

    `title` and `text` are analyzed by language, and copied to the field ALL_TEXT, which is indexed and not stored, so
    that BM25 scores them as one text, as in the embedded index. Other fields are mapped dynamically, strings as
    keywords. `origin` is stored in the mapping.
    """
    return {
        "settings": {
            "number_of_shards": load.shards,
            "number_of_replicas": 0,
            "refresh_interval": "-1",
            "similarity": {"default": {"type": "BM25", "k1": bm25.k1, "b": bm25.b}},
        },
        "mappings": {
            "_meta": {"resift": origin.meta(load, bm25.language)},
            "dynamic": True,  # as the next three, so that an index template of the cluster does not change it
            "date_detection": False,
            "numeric_detection": False,
            "_source": {"enabled": True},
            "dynamic_templates": [
                {
                    "texts": {
                        "match_mapping_type": "string",
                        "mapping": {"type": "keyword", "ignore_above": _LONGEST_KEYWORD},
                    }
                }
            ],
            "properties": _properties(analyzer_of(bm25.language), bool(load.passage_words)),
        },
        "aliases": dict(origin.kept),
    }


def _properties(analyzer: str, passages: bool) -> dict[str, object]:
    """Return the mapping of the fields that resift itself fills."""
    text = {"type": "text", "analyzer": analyzer, "copy_to": ALL_TEXT}
    parent = {PARENT: {"type": "keyword"}} if passages else {}
    return {"title": text, "text": text, ALL_TEXT: {"type": "text", "analyzer": analyzer}, **parent}


def made_by_resift(name: str, facts: Mapping[str, Any]) -> bool:
    """Return True if resift made the index `name`, by `facts`, what the engine reports at GET /INDEX.

    A clone, a reindexed or a restored index has the `_meta` of its original, and so another index's name. Indices of
    versions that stored no name are recognized by the load that they carry.
    """
    meta = resift_meta(facts)
    return bool(meta.get("load")) and meta.get("index", name) == name


def analyzer_of(language: str) -> str:
    """Return the engines' analyzer for a language, or `standard` (lower case, no stemming) if they have none."""
    return language if language in _BUILT_IN else "standard"


def rename_fields(document: Document) -> Document:
    """Return a document whose fields an engine accepts beside ours: a reserved name gets the prefix field_."""
    return replace(document, fields={_field(name): value for name, value in document.fields.items()})


def source_of(document: Document) -> dict[str, object]:
    """Return the source that the engine stores, of a document with the fields of `rename_fields`."""
    return {**document.fields, **_texts(document)}


def _texts(document: Document) -> Mapping[str, object]:
    return {"title": document.title, "text": document.text} if document.title else {"text": document.text}


def _field(name: str) -> str:
    """Return a field name that engines accept.

    >>> [_field(name) for name in ("lang", "title", "_id", "", "a..b")]
    ['lang', 'field_title', 'field_id', 'field_', 'field_a.b']
    """
    parts = [part.strip() for part in name.split(".") if part.strip()]
    if name not in RESERVED and not name.startswith("_") and ".".join(parts) == name and name:
        return name
    return f"field_{'.'.join(parts).strip('_')}"
