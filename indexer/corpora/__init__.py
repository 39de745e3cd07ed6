"""Readers of corpora, queries and judged collections: generators throughout."""

from __future__ import annotations

from indexer.corpora.judged import JudgedCollection, choose_split, read_collection, read_nanobeir, read_queries
from indexer.corpora.reading import Reading
from indexer.corpora.records import SkipReport
from indexer.corpora.settings import CorpusSettings
from indexer.corpora.sources import read_documents
from indexer.corpora.tables import NANOBEIR_SETS

__all__ = [
    "NANOBEIR_SETS",
    "CorpusSettings",
    "JudgedCollection",
    "Reading",
    "SkipReport",
    "choose_split",
    "read_collection",
    "read_documents",
    "read_nanobeir",
    "read_queries",
]
