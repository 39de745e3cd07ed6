"""Read corpora, queries and judged collections, as streams."""

from __future__ import annotations

from resift.indexer.corpora.judged import JudgedCollection, choose_split, read_collection, read_nanobeir
from resift.indexer.corpora.queries import read_queries
from resift.indexer.corpora.query_settings import QuerySettings
from resift.indexer.corpora.reading import Reading
from resift.indexer.corpora.settings import CorpusSettings
from resift.indexer.corpora.skipped import SkipReport
from resift.indexer.corpora.sources import read_documents
from resift.indexer.corpora.tables import NANOBEIR_SETS

__all__ = [
    "NANOBEIR_SETS",
    "CorpusSettings",
    "JudgedCollection",
    "QuerySettings",
    "Reading",
    "SkipReport",
    "choose_split",
    "read_collection",
    "read_documents",
    "read_nanobeir",
    "read_queries",
]
