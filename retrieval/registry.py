"""The table of first stages by URL scheme; a new one is one file and one row here."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from resift.retrieval.engine.settings import OpenOptions
from resift.retrieval.errors import SettingsError
from resift.retrieval.retriever import Retriever

RETRIEVERS = {
    "bm25": "resift.retrieval.bm25.retriever:Bm25Retriever",
    "http": "resift.retrieval.engine.retriever:EngineRetriever",
    "https": "resift.retrieval.engine.retriever:EngineRetriever",
    "cloud": "resift.retrieval.engine.retriever:EngineRetriever",
}
"""URL scheme -> "module:Class"; the class has a class method `open(url, options)` that raises EngineError."""
_EMBEDDED = "bm25"
_FORMS = "bm25:PATH, http(s)://HOST:PORT/INDEX or cloud:INDEX"


def open_retriever(url: str, options: OpenOptions | None = None) -> Retriever:
    """Open the index at `url`: `http(s)://HOST:PORT/INDEX`, `cloud:INDEX`, `bm25:PATH` or an existing folder.

    `options` says how to connect to an engine and which fields to read (by default title and text, without
    credentials). Raises SettingsError on another scheme and EngineError if the index cannot be opened.
    """
    scheme, _ = _split(url)
    module, name = RETRIEVERS[scheme].split(":")
    retriever: Any = getattr(importlib.import_module(module), name)
    opened: Retriever = retriever.open(url, options)
    return opened


def embedded_path(url: str) -> Path:
    """Return the folder of the embedded index at `url`, which is `bm25:PATH` or the path of an existing folder.

    Raises SettingsError on anything else.
    """
    scheme, path = _split(url)
    if scheme != _EMBEDDED:
        raise SettingsError(f"{url!r} is not an embedded index; expected bm25:PATH", "index")
    return Path(path)


def _split(url: str) -> tuple[str, str]:
    scheme, colon, rest = url.partition(":")
    if colon and scheme in RETRIEVERS:
        if not rest.strip():
            raise SettingsError(f"{url!r} names no index; expected {_FORMS}", "index")
        return scheme, rest
    if url and Path(url).is_dir():
        return "bm25", url
    wrong = "has an unknown scheme" if colon else "is not a folder"
    raise SettingsError(f"{url!r} {wrong}; expected {_FORMS}", "index")


def is_engine(url: str) -> bool:
    """Return whether `url` names an index in a search engine, not an embedded one."""
    scheme = url.partition(":")[0]
    return scheme in RETRIEVERS and scheme != _EMBEDDED
