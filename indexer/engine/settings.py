"""Settings of a load into an engine; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How to load a collection into Elasticsearch or OpenSearch; passages are for an embedded index as well.

    Raises SettingsError on a value out of range.
    """

    shards: int = setting(1, "Number of primary shards of the index.")
    replicas: int = setting(1, "Number of replicas of each shard once the load is complete.")
    workers: int = setting(4, "Number of concurrent bulk requests.")
    bulk_documents: int = setting(1000, "Maximum number of documents in a bulk request.")
    bulk_megabytes: float = setting(8.0, "Maximum size of a bulk request; a larger document is sent alone.")
    patience: float = setting(600.0, "Seconds without progress after which a load stops; continue it with --resume.")
    passage_words: int = setting(0, "Split longer texts into passages of this many words; 0 keeps documents whole.")
    passage_overlap: int = setting(0, "Number of words that a passage repeats from the previous one.")

    @property
    def detects_repeated_ids(self) -> bool:
        """True if a load detects repeated document ids itself, which it cannot if documents are split into passages."""
        return self.passage_words == 0

    def __post_init__(self) -> None:
        for name in ("shards", "workers", "bulk_documents"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{getattr(self, name)} is below 1; expected 1 or more", name)
        for name in ("replicas", "passage_words", "passage_overlap"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{getattr(self, name)} is below 0; expected 0 or more", name)
        for name in ("bulk_megabytes", "patience"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{getattr(self, name)} is not above 0; expected a positive number", name)
        if self.passage_words and self.passage_overlap >= self.passage_words:
            raise SettingsError(
                f"{self.passage_overlap} is not below `passage_words`; expected fewer words", "passage_overlap"
            )
