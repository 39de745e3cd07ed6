"""The options of one wrapped search, and their defaults."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, fields, replace
from typing import Any

from resift.retrieval.errors import SettingsError


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How one search is reranked. Raises SettingsError on a value that cannot be used.

    `rank_window_size`: how many hits are rescored; None: as the reranker's own settings say. `model`: another model's
    name; None: the client's own; "none": do not rerank. `deadline_ms`: milliseconds that reranking may take; None: no
    limit. `enabled`: False passes the search through. `query_text`: the text to rerank by, if it cannot be found in the
    search. `keep_promoted`: whether pinned hits keep their places; None: as the reranker's own settings say.
    """

    rank_window_size: int | None = None
    model: str | None = None
    deadline_ms: float | None = None
    enabled: bool = True
    query_text: str | None = None
    keep_promoted: bool | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot be used."""
        window: object = self.rank_window_size
        if window is not None and (not isinstance(window, int) or isinstance(window, bool) or window < 1):
            raise SettingsError(f"{window!r} is not a whole number above 0", "rank_window_size")
        limit: object = self.deadline_ms
        if limit is not None and (not isinstance(limit, int | float) or isinstance(limit, bool) or not limit > 0):
            raise SettingsError(f"{limit!r} is not above 0; expected milliseconds", "deadline_ms")
        for name in ("model", "query_text"):
            given = getattr(self, name)
            if given is not None and not isinstance(given, str):
                raise SettingsError(f"{given!r} is not a string", name)
        if self.keep_promoted is not None and not isinstance(self.keep_promoted, bool):
            raise SettingsError(f"{self.keep_promoted!r} is not True or False", "keep_promoted")

    @property
    def seconds(self) -> float | None:
        """The deadline in seconds, None if time is not limited or longer than a thread can wait."""
        seconds = math.inf if self.deadline_ms is None else self.deadline_ms / 1000
        return None if seconds > threading.TIMEOUT_MAX else seconds

    def take(self, arguments: dict[str, Any]) -> SearchOptions:
        """Return these options with those in `arguments`, which are removed from there. Raises SettingsError."""
        names = [field.name for field in fields(self) if field.name in arguments]
        return replace(self, **{name: arguments.pop(name) for name in names}) if names else self
