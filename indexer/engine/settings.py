"""How a collection is loaded into an engine, cheap to list."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How a collection is loaded into Elasticsearch or OpenSearch. Raises SettingsError."""

    shards: int = setting(1, "How many primary shards the index gets.")
    replicas: int = setting(1, "How many replicas each shard gets when the load is done.")
    workers: int = setting(4, "How many bulk requests are under way at once.")
    bulk_documents: int = setting(1000, "How many documents a bulk request has at most.")
    bulk_megabytes: float = setting(8.0, "How large a bulk request is at most, a single larger document apart.")
    patience: float = setting(600.0, "Seconds without any progress until a load gives up; --resume goes on with it.")
    passage_words: int = setting(0, "Split longer texts into passages of so many words; 0: whole documents.")
    passage_overlap: int = setting(0, "How many words a passage repeats of the one before.")

    def __post_init__(self) -> None:
        for name in ("shards", "workers", "bulk_documents"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{getattr(self, name)} is below 1", name)
        for name in ("replicas", "passage_words", "passage_overlap"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{getattr(self, name)} is below 0", name)
        for name in ("bulk_megabytes", "patience"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{getattr(self, name)} is not above 0", name)
        if self.passage_words and self.passage_overlap >= self.passage_words:
            raise SettingsError(f"{self.passage_overlap} is not below --passage-words", "passage_overlap")
