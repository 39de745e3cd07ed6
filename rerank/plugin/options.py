"""The options of one wrapped search, and their defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from resift.retrieval.errors import SettingsError


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How one search is reranked. Raises SettingsError on a value that cannot be used.

    `rank_window_size`: how many hits are rescored; None: as the reranker's own settings say. `model`: another model's
    name; None: the client's own; "none": do not rerank. `deadline_ms`: milliseconds that reranking may take; None: no
    limit. `enabled`: False passes the search through. `query_text`: the text to rerank by, if it cannot be found in the
    search.
    """

    rank_window_size: int | None = None
    model: str | None = None
    deadline_ms: float | None = None
    enabled: bool = True
    query_text: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot be used."""
        given: object = self.rank_window_size
        if given is not None and (not isinstance(given, int) or given < 1):
            raise SettingsError(f"{given!r} is not a whole number above 0", "rank_window_size")
        if self.deadline_ms is not None and not self.deadline_ms > 0:
            raise SettingsError(f"{self.deadline_ms!r} is not above 0; expected milliseconds", "deadline_ms")

    @property
    def seconds(self) -> float | None:
        """The deadline in seconds, None if time is not limited."""
        return None if self.deadline_ms is None or math.isinf(self.deadline_ms) else self.deadline_ms / 1000

    def take(self, arguments: dict[str, Any]) -> SearchOptions:
        """Return these options with those in `arguments`, which are removed from there. Raises SettingsError."""
        names = [field.name for field in fields(self) if field.name in arguments]
        return replace(self, **{name: arguments.pop(name) for name in names}) if names else self
