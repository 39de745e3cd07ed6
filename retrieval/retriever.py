"""What every first stage can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from resift.retrieval.types import Query, Ranking


class Retriever(Protocol):
    """Finds the candidates of a query; one implementation a file, one row each in `resift.retrieval.registry`."""

    @property
    def language(self) -> str:
        """The name of the analysis of its texts, one of `resift.retrieval.bm25.analysis.languages()`."""
        ...

    def notes(self) -> list[str]:
        """Return what its user should know by now, a line each: odd documents, an insecure connection."""
        ...

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Return for each query, in the given order, its best `depth` documents (fewer if fewer match).

        A query that matches nothing gives a ranking without hits. Raises EngineError.
        """
        ...
