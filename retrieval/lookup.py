"""The protocol of first stages whose documents can be fetched by id, and sampled, as mining needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from resift.retrieval.types import Document


class DocumentLookup(Protocol):
    """Fetches documents of an index, in any thread; every first stage in `resift.retrieval.registry` implements it."""

    def documents(self, doc_ids: Sequence[str]) -> dict[str, list[Document]]:
        """Return the documents with these ids, by id; those that the index does not have are left out.

        A document that was split into passages is the list of its passages, all with its id; any other is a list of
        one. The texts are those that a search returns. Raises EngineError if the index cannot be read.
        """
        ...

    def sample(self, count: int, seed: int) -> list[Document]:
        """Return at most `count` different entries (documents or passages), drawn evenly from the whole index.

        The same `seed` draws the same entries of an index that has not changed. Raises SettingsError if `count` is
        below 1, and EngineError if the index cannot be read.
        """
        ...
