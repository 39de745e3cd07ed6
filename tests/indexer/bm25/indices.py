"""Build and search small embedded indices, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

from resift.indexer.bm25.build import build_index
from resift.retrieval.bm25.retriever import Bm25Retriever
from resift.retrieval.bm25.settings import Bm25Settings
from resift.retrieval.types import Document, Query

SETTINGS = Bm25Settings()
OLD = [Document("old", "zebra", fields={"generation": 0})]


def build(path: Path, documents: list[Document], overwrite: bool = False) -> None:
    build_index(documents, path, SETTINGS, overwrite=overwrite)


def found(path: Path, text: str = "zebra") -> list[str]:
    [ranking] = Bm25Retriever.open(path).retrieve([Query("q", text)], 100)
    return [hit.document.doc_id for hit in ranking.hits]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())
