"""The protocol that every first stage implements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from resift.retrieval.types import Query, Ranking


class Retriever(Protocol):
    """Finds the candidates of queries; `resift.retrieval.registry` lists the implementations."""

    @property
    def language(self) -> str:
        """The language in which the index analyzes its texts, one of `resift.retrieval.bm25.settings.LANGUAGES`."""
        ...

    def notes(self) -> list[str]:
        """Return one-line warnings for the user so far, such as odd documents or an insecure connection."""
        ...

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Return one ranking per query, in the given order: its best `depth` documents, or fewer if fewer match.

        A query that matches nothing gives a ranking without hits. Raises SettingsError if `depth` is below 1, and
        EngineError if the index cannot be read.
        """
        ...
