"""The settings of the embedded first stage, in a file that is cheap to import for the command line."""

from __future__ import annotations

import math
from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

LANGUAGES = tuple(
    "arabic armenian basque catalan czech danish dutch english esperanto estonian finnish french german "
    "greek hindi hungarian indonesian irish italian lithuanian nepali norwegian persian polish portuguese "
    "romanian russian serbian sesotho spanish swedish tamil turkish yiddish "
    "standard whitespace".split()
)
"""The languages of PyStemmer 3.1, written here so that the command line need not load it, and two without stemming."""


@dataclass(frozen=True, slots=True)
class Bm25Settings:
    """How an embedded index is built; they are stored in the index, so that a search does not need them.

    Raises SettingsError on a value out of range and on an unknown language.
    """

    k1: float = setting(1.2, "BM25's k1, 0 to 1000: how much repeated occurrences of a word add to the score.")
    b: float = setting(0.75, "BM25's b, 0 to 1: how much the scores of long documents are reduced.")
    language: str = setting(
        "english", "The language of the texts; it decides word splitting, stop words and stemming.", choices=LANGUAGES
    )

    def __post_init__(self) -> None:
        if not (math.isfinite(self.k1) and 0 <= self.k1 <= 1000):
            raise SettingsError(f"{self.k1!r} cannot be used; expected a number from 0 to 1000, usually 1.2", "k1")
        if not 0 <= self.b <= 1:
            raise SettingsError(f"{self.b!r} cannot be used; expected a number from 0 to 1, usually 0.75", "b")
        if self.language not in LANGUAGES:
            raise SettingsError(f"{self.language!r} is not known; expected one of {', '.join(LANGUAGES)}", "language")
