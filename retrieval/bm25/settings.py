"""The settings of the embedded first stage, apart from it so that the command line can list them cheaply."""

from __future__ import annotations

import math
from dataclasses import dataclass

from resift.retrieval.bm25.analysis import languages
from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting


@dataclass(frozen=True, slots=True)
class Bm25Settings:
    """How an embedded index is built; the index remembers them, so that a search needs none.

    Raises SettingsError on a value that cannot be used.
    """

    k1: float = setting(1.2, "How soon further occurrences of a word stop counting (BM25's k1).")
    b: float = setting(0.75, "How much long documents are held back, 0 to 1 (BM25's b).")
    language: str = setting("english", "How words are cut, stopped and stemmed.", choices=languages())

    def __post_init__(self) -> None:
        if not (math.isfinite(self.k1) and 0 <= self.k1 <= 1000):
            raise SettingsError(f"{self.k1!r} cannot be used; expected a number from 0 to 1000, usually 1.2", "k1")
        if not 0 <= self.b <= 1:
            raise SettingsError(f"{self.b!r} cannot be used; expected a number from 0 to 1, usually 0.75", "b")
        if self.language not in languages():
            known = ", ".join(languages())
            raise SettingsError(f"{self.language!r} is not known; expected one of {known}", "language")
