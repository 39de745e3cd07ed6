"""How much of a search is shown."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting


@dataclass(frozen=True, slots=True)
class DisplaySettings:
    """How much of a ranking is shown. Raises SettingsError."""

    top: int = setting(10, "How many hits are shown.")
    show: str | None = setting(
        None,
        "A field of the documents to show in the table, such as url; repeat it, or use commas.",
        repeatable=True,
    )

    def __post_init__(self) -> None:
        if self.top < 1:
            raise SettingsError(f"{self.top} is below 1; expected at least one hit", "top")
