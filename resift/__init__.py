"""Put the answer first: rerank the top of your keyword search with a cross-encoder.

    import resift

    index = resift.open_retriever("http://localhost:9200/articles")
    pipeline = resift.Pipeline(index, resift.Reranker(resift.load_scorer("default")))
    [result] = pipeline.search([resift.Query("1", "reset my password")])

Every name is loaded when it is first used: `import resift` itself loads none of the libraries that resift needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resift.indexer.bm25.build import build_index
    from resift.indexer.bm25.update import add_documents, delete_documents
    from resift.indexer.corpora.sources import read_documents
    from resift.rerank.index_definitions import IndexDefinitions
    from resift.rerank.occlusion import explain_words
    from resift.rerank.pipeline import Pipeline
    from resift.rerank.plugin.wrapper import AsyncRerankingClient, RerankingClient
    from resift.rerank.reranker import Reranker
    from resift.rerank.scorers.load import load_scorer
    from resift.rerank.scorers.settings import ScorerSettings
    from resift.rerank.settings import RerankSettings
    from resift.retrieval.errors import ResiftError
    from resift.retrieval.registry import open_retriever
    from resift.retrieval.types import Document, Hit, Query, Ranking

_HOMES = {
    "AsyncRerankingClient": "rerank.plugin.wrapper",
    "Document": "retrieval.types",
    "Hit": "retrieval.types",
    "IndexDefinitions": "rerank.index_definitions",
    "Pipeline": "rerank.pipeline",
    "Query": "retrieval.types",
    "Ranking": "retrieval.types",
    "RerankSettings": "rerank.settings",
    "Reranker": "rerank.reranker",
    "RerankingClient": "rerank.plugin.wrapper",
    "ResiftError": "retrieval.errors",
    "ScorerSettings": "rerank.scorers.settings",
    "add_documents": "indexer.bm25.update",
    "build_index": "indexer.bm25.build",
    "delete_documents": "indexer.bm25.update",
    "explain_words": "rerank.occlusion",
    "load_scorer": "rerank.scorers.load",
    "open_retriever": "retrieval.registry",
    "read_documents": "indexer.corpora.sources",
}
"""Public name -> the module that defines it."""

__all__ = [
    "AsyncRerankingClient",
    "Document",
    "Hit",
    "IndexDefinitions",
    "Pipeline",
    "Query",
    "Ranking",
    "RerankSettings",
    "Reranker",
    "RerankingClient",
    "ResiftError",
    "ScorerSettings",
    "add_documents",
    "build_index",
    "delete_documents",
    "explain_words",
    "load_scorer",
    "open_retriever",
    "read_documents",
]

__version__: str
"""The version of the installed package; read when it is first used."""


if not TYPE_CHECKING:  # type checkers read the imports above, and report a name that is not among them

    def __getattr__(name: str) -> object:
        """Return a public name from its module, which is imported now (PEP 562), or the version of the package."""
        if name == "__version__":
            return import_module("resift.indexer.origin").resift_version()
        if name not in _HOMES:
            raise AttributeError(f"module 'resift' has no attribute {name!r}")
        found: object = getattr(import_module(f"resift.{_HOMES[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return [*__all__, "__version__", *(name for name in globals() if name.startswith("__"))]
