"""The table of first stages by URL scheme; a new one is one file and one row here."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from resift.retrieval.engine.settings import OpenOptions
from resift.retrieval.errors import SettingsError
from resift.retrieval.info import IndexInfo
from resift.retrieval.retriever import Retriever

_ENGINE = "resift.retrieval.engine.retriever:EngineRetriever"
RETRIEVERS = {
    "bm25": "resift.retrieval.bm25.retriever:Bm25Retriever",
    "http": _ENGINE,
    "https": _ENGINE,
    "cloud": _ENGINE,
}
"""URL scheme -> "module:Class"; the class has a class method `open(url, options)` that raises EngineError."""
_ENGINE_INFO = "resift.retrieval.engine.info:engine_info"
DESCRIBERS = {
    "bm25": "resift.retrieval.bm25.info:bm25_info",
    "http": _ENGINE_INFO,
    "https": _ENGINE_INFO,
    "cloud": _ENGINE_INFO,
}
"""URL scheme -> "module:function"; the function takes `url` and `options`, and returns an IndexInfo."""
_EMBEDDED = "bm25"
_FORMS = "bm25:PATH, http(s)://HOST:PORT/INDEX or cloud:INDEX"


def open_retriever(url: str, options: OpenOptions | None = None) -> Retriever:
    """Open the index at `url`: `http(s)://HOST:PORT/INDEX`, `cloud:INDEX`, `bm25:PATH` or an existing folder.

    `options` says how to connect to an engine and which fields to read (by default title and text, without
    credentials). Raises SettingsError on another scheme and EngineError if the index cannot be opened.
    """
    scheme, _ = split_url(url)
    module, name = RETRIEVERS[scheme].split(":")
    retriever: Any = getattr(importlib.import_module(module), name)
    opened: Retriever = retriever.open(url, options)
    return opened


def describe_index(url: str, options: OpenOptions | None = None) -> IndexInfo:
    """Return what is known about the index at `url`, without searching it; `options` are those of `open_retriever`.

    Raises SettingsError on another scheme and EngineError if the index cannot be read.
    """
    scheme, _ = split_url(url)
    module, name = DESCRIBERS[scheme].split(":")
    describe: Any = getattr(importlib.import_module(module), name)
    described: IndexInfo = describe(url, options)
    return described


def embedded_path(url: str) -> Path:
    """Return the folder of the embedded index at `url`, which is `bm25:PATH` or the path of an existing folder.

    Raises SettingsError on anything else.
    """
    scheme, path = split_url(url)
    if scheme != _EMBEDDED:
        raise SettingsError(f"{url!r} is not an embedded index; expected bm25:PATH", "index")
    return Path(path)


def new_embedded_path(url: str) -> Path:
    """Return the folder in which to make the embedded index at `url`: `bm25:PATH`, or any path without a colon.

    Raises SettingsError on anything else.
    """
    if has_scheme(url) or not url.strip() or Path(url).is_dir():
        return embedded_path(url)
    if ":" in url or "//" in url or "\0" in url:
        raise SettingsError(f"{url!r} has an unknown scheme; expected {_FORMS}", "index")
    return Path(url)


def split_url(url: str) -> tuple[str, str]:
    """Return the scheme of an index's URL, one of RETRIEVERS, and what follows it; an existing folder is bm25's.

    Raises SettingsError on anything else.
    """
    scheme, colon, rest = url.partition(":")
    if has_scheme(url):
        if not rest.strip():
            raise SettingsError(f"{url!r} names no index; expected {_FORMS}", "index")
        return scheme, rest
    if url and Path(url).is_dir():
        return _EMBEDDED, url
    wrong = "has an unknown scheme" if colon else "is not a folder"
    raise SettingsError(f"{url!r} {wrong}; expected {_FORMS}", "index")


def has_scheme(url: str) -> bool:
    """Return whether `url` starts with the scheme of a retriever."""
    scheme, colon, _ = url.partition(":")
    return bool(colon) and scheme in RETRIEVERS


def is_engine(url: str) -> bool:
    """Return whether `url` names an index in Elasticsearch or OpenSearch."""
    return has_scheme(url) and RETRIEVERS[url.partition(":")[0]] == _ENGINE
