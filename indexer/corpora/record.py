"""One record of a corpus, as a reader yields it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a source: its `values` by column or key, or the `problem` with it.

    `line` is 1-based, a row number for Parquet, None if there are no lines; `number` is the record's place, from 1, if
    several can be in one line; `excerpt` is the start of the raw record. `texts` are the columns that are read
    together as its text, if none has a usual name. `ignored` is the kind of a file that is not a document, such as an
    image among text files: it is counted, and is never an error. `note` says which part of a good record was not read.
    """

    path: str
    line: int | None
    values: Mapping[str, Any]
    problem: str = ""
    excerpt: str = ""
    number: int | None = None
    texts: tuple[str, ...] = ()
    ignored: str = ""
    note: str = ""
