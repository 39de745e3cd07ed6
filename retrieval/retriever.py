"""The protocol that every first stage implements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from resift.retrieval.errors import SettingsError
from resift.retrieval.types import Query, Ranking


class Retriever(Protocol):
    """Finds the candidates of queries, in any thread; `resift.retrieval.registry` lists the implementations.

    A class in the registry also has a class method `open(url, options)`, which returns a retriever of the index at
    that URL and raises EngineError if there is none. It is not a member, so that a test can pass any object as
    retriever.
    """

    @property
    def language(self) -> str:
        """The language whose analysis marks the query's words in snippets, one of `LANGUAGES` in `bm25/settings`."""
        ...

    def notes(self) -> list[str]:
        """Return one-line warnings for the user so far, such as odd documents or an insecure connection."""
        ...

    def retrieve(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Return one ranking per query, in the given order: its best `depth` documents, or fewer if fewer match.

        Hits have finite floats as scores, each document once, in the order of `Ranking.of`: score descending, then doc
        id descending. Several threads may call it at the same time. A query that matches nothing gives a ranking
        without hits. Raises SettingsError if `depth` is below 1, and EngineError if the index cannot be read.
        """
        ...


def check_depth(depth: int) -> None:
    """Raise SettingsError if `depth`, the number of hits per query, is below 1."""
    if depth < 1:
        raise SettingsError(f"{depth} is too small; expected 1 or more, usually 100", "depth")
