"""Describe an embedded index by its manifest and a sample of its documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from resift.retrieval.bm25 import store
from resift.retrieval.bm25.segment import SegmentFacts, segments_of
from resift.retrieval.engine.settings import OpenOptions
from resift.retrieval.errors import EngineError
from resift.retrieval.info import IndexInfo
from resift.retrieval.registry import embedded_path

_SAMPLED = 1000  # documents of each segment, from which the other fields are known
_KINDS = {str: "text", bool: "true or false", int: "number", float: "number", list: "list", dict: "object"}


def bm25_info(url: str, options: OpenOptions | None = None) -> IndexInfo:
    """Describe the embedded index at `url`, `bm25:PATH`; it needs none of the `options`.

    The other fields are those of a sample of documents. Raises EngineError if there is no index, or it is damaged,
    and SettingsError on another kind of address.
    """
    path = embedded_path(url)
    manifest = store.read_manifest(path)
    segments = segments_of(path, manifest)
    try:
        language = str(manifest["settings"]["language"])
        return IndexInfo(
            f"bm25:{path}",
            int(manifest["documents"]),
            _fields(segments, language),
            language,
            sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
            str(manifest.get("created") or ""),
            str(manifest.get("source") or ""),
            _details(manifest, segments),
        )
    except (KeyError, TypeError, ValueError, OSError) as error:
        message = f"its files are damaged ({error}); {store.rebuild_hint(path, replace=True)}"
        raise EngineError(message, f"bm25:{path}") from None


def _details(manifest: Mapping[str, Any], segments: list[SegmentFacts]) -> dict[str, str]:
    settings, passages = manifest["settings"], manifest.get("passages") or {}
    terms = sum(int(segment.manifest["vocabulary"]) for segment in segments)
    details = {
        "engine": "embedded BM25",
        "made by": f"resift {manifest.get('resift', '')}".strip(),
        "changed": str(manifest.get("changed") or ""),
        "k1, b": f"{settings['k1']:g}, {settings['b']:g}",
        "terms": f"{terms:,}" if len(segments) == 1 else "",
        "segments": str(len(segments)) if len(segments) > 1 else "",
        "passages": f"{passages['words']} words, overlap {passages.get('overlap', 0)}" if passages else "",
    }
    return {name: value for name, value in details.items() if value}


def _fields(segments: list[SegmentFacts], language: str) -> dict[str, str]:
    """Return each field of the sampled documents with the kind of its values; title and text with their analysis."""
    kinds: dict[str, set[str]] = {}
    for document in (one for segment in segments for one in islice(_documents(segment.folder), _SAMPLED)):
        for name in ("title", "text"):
            if document.get(name):
                kinds.setdefault(name, set()).add(f"text ({language})")
        for name, value in document.get("fields", {}).items():
            if value is not None:
                kinds.setdefault(name, set()).add(_KINDS.get(type(value), "text"))
    return {name: "/".join(sorted(found)) for name, found in kinds.items()}


def _documents(folder: Path) -> Iterator[dict[str, Any]]:
    with (folder / store.DOCUMENTS).open("rb") as lines:
        yield from map(json.loads, lines)
