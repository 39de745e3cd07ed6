"""The options of one wrapped search, and their defaults."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, fields, replace
from typing import Any

from resift.rerank.settings import MODELS_OWN, RerankSettings
from resift.retrieval.errors import SettingsError


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How one search is reranked. Raises SettingsError on a value that cannot be used.

    `rank_window_size`: how many hits are rescored; None: as the reranker's own settings say. `model`: another model's
    name; None: the client's own; "none": do not rerank. `deadline_ms`: milliseconds that reranking may take; None: no
    limit. `enabled`: False passes the search through. `query_text`: the text to rerank by, if it cannot be found in the
    search. `keep_promoted`, `fusion`, `fusion_weight`: these of `RerankSettings`, the last of them the model's weight;
    None: as the reranker's own settings say. `explain_hits`: whether the outcome explains each hit of the page.
    """

    rank_window_size: int | None = None
    model: str | None = None
    deadline_ms: float | None = None
    enabled: bool = True
    query_text: str | None = None
    keep_promoted: bool | None = None
    fusion: str | None = None
    fusion_weight: float | None = None
    explain_hits: bool = False

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
        explain: object = self.explain_hits
        if not isinstance(explain, bool):
            raise SettingsError(f"{explain!r} is not True or False", "explain_hits")
        self._check_fusion()

    def _check_fusion(self) -> None:
        weight: object = self.fusion_weight
        if weight is not None and (not isinstance(weight, int | float) or isinstance(weight, bool)):
            raise SettingsError(f"{weight!r} is not a number from 0 to 1", "fusion_weight")
        RerankSettings(**{name: value for name, value in self._fusion().items() if value is not None})

    def _fusion(self) -> dict[str, Any]:
        return {"fusion": self.fusion, "fusion_weight": self.fusion_weight}

    def changes(self) -> dict[str, Any]:
        """Return the settings of the reranker that these options replace, by name."""
        given = {"rank_window_size": self.rank_window_size, "keep_promoted": self.keep_promoted, **self._fusion()}
        if self.fusion is None and self.fusion_weight is not None:
            given["fusion"] = MODELS_OWN  # the weight would have no effect if the client's own fusion is "none"
        return {name: value for name, value in given.items() if value is not None}

    @property
    def seconds(self) -> float | None:
        """The deadline in seconds, None if time is not limited or longer than a thread can wait."""
        seconds = math.inf if self.deadline_ms is None else self.deadline_ms / 1000
        return None if seconds > threading.TIMEOUT_MAX else seconds

    def take(self, arguments: dict[str, Any]) -> SearchOptions:
        """Return these options with those in `arguments`, which are removed from there. Raises SettingsError."""
        names = [field.name for field in fields(self) if field.name in arguments]
        return replace(self, **{name: arguments.pop(name) for name in names}) if names else self
