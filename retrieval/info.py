"""What is known about an index: its size, its fields, its language, and when and from what it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """Facts about an index, embedded or of an engine.

    `documents`: their number, None if unknown. `fields`: each field with its type and analyzer, in words. `language`:
    the English name of the one that it is analyzed in, or that its texts seem to have; "" if unknown. `bytes`: size on
    disk. `created`: the time in ISO 8601, UTC, and `source` the name of what it was made from; "" if unknown.
    `details`: other facts to show, by name.
    """

    address: str
    documents: int | None
    fields: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    bytes: int | None = None
    created: str = ""
    source: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
