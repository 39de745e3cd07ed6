"""The result of adding documents to an index, or deleting them, for both kinds of index."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """The result of adding or deleting documents, counted for each.

    `created`: new ones; `updated`: those that replaced one with the same id; `existing`: those that were left out
    because the index has them; `deleted`; `missing`: ids to delete that the index does not have; `refused`: those that
    an engine refused, listed in the file `refusals`. `documents`: number in the index afterwards; an engine counts each
    passage. `seconds`: wall-clock time. If an engine's response is lost, a document is sent again, and counted as
    updated or missing.
    """

    index: str
    created: int = 0
    updated: int = 0
    existing: int = 0
    deleted: int = 0
    missing: int = 0
    refused: int = 0
    documents: int = 0
    seconds: float = 0.0
    refusals: str = ""
