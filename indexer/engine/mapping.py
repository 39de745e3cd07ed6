"""The index that a collection is loaded into: its fields, its analysis, its similarity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resift.indexer.engine.settings import LoadSettings
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.engine.fields import ALL_TEXT, PARENT
from resift.retrieval.types import Document

RESERVED = ("title", "text", ALL_TEXT)
_LONGEST_KEYWORD = 1024  # characters; a longer text is kept and returned, but not found by its exact value
_BUILT_IN = frozenset(
    "arabic armenian basque bulgarian catalan czech danish dutch english finnish french galician german greek hindi "
    "hungarian indonesian irish italian latvian lithuanian norwegian persian portuguese romanian russian spanish "
    "swedish turkish standard whitespace".split()
)


def index_body(bm25: Bm25Settings, load: LoadSettings, alias: str | None, token: str) -> dict[str, Any]:
    """Return the body that creates the index, ready for a load: no replicas and no refresh until it ends.

    `token` marks it as that load's own.

    `title` and `text` are analyzed by language, and both are searched as `resift_text`, a field of their own that is
    indexed and not stored, so that BM25 sees one text as the embedded index does. Any other field is kept as it
    comes, texts as keywords.
    """
    analyzer = analyzer_of(bm25.language)
    text = {"type": "text", "analyzer": analyzer, "copy_to": ALL_TEXT}
    return {
        "settings": {
            "number_of_shards": load.shards,
            "number_of_replicas": 0,
            "refresh_interval": "-1",
            "similarity": {"default": {"type": "BM25", "k1": bm25.k1, "b": bm25.b}},
        },
        "mappings": {
            "_meta": {"resift": {"language": bm25.language, "alias": alias, "load": token}},
            "date_detection": False,
            "dynamic_templates": [
                {
                    "texts": {
                        "match_mapping_type": "string",
                        "mapping": {"type": "keyword", "ignore_above": _LONGEST_KEYWORD},
                    }
                }
            ],
            "properties": {
                "title": text,
                "text": text,
                ALL_TEXT: {"type": "text", "analyzer": analyzer},
                PARENT: {"type": "keyword"},
            }
            if load.passage_words
            else {"title": text, "text": text, ALL_TEXT: {"type": "text", "analyzer": analyzer}},
        },
    }


def analyzer_of(language: str) -> str:
    """Return the engines' own analyzer for a language, `standard` (words in lower case, no stemming) without one."""
    return language if language in _BUILT_IN else "standard"


def source_of(document: Document) -> dict[str, object]:
    """Return what the engine stores of `document`; a field whose name is taken, or begins with _, is `field_NAME`."""
    return {**{_field(name): value for name, value in document.fields.items()}, **_texts(document)}


def _texts(document: Document) -> Mapping[str, object]:
    return {"title": document.title, "text": document.text} if document.title else {"text": document.text}


def _field(name: str) -> str:
    """Return a field's name as engines take it.

    >>> [_field(name) for name in ("lang", "title", "_id", "", "a..b")]
    ['lang', 'field_title', 'field_id', 'field_', 'field_a.b']
    """
    parts = [part.strip() for part in name.split(".") if part.strip()]
    if name not in RESERVED and not name.startswith("_") and ".".join(parts) == name and name:
        return name
    return f"field_{'.'.join(parts).strip('_')}"
