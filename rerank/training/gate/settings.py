"""The settings of the gate; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

MEASURES = ("ndcg@10", "mrr@10", "map")
EXCLUDED = ("queries", "documents", "none")


@dataclass(frozen=True, slots=True)
class GateSettings:
    """When a trained model counts as worse, as not worse, and when there are too few queries to decide."""

    gate_measure: str = setting("ndcg@10", "The measure by which the gate compares.", choices=MEASURES)
    gate_tolerance: float = setting(0.002, "A mean loss of at most this is accepted, even if it is certain.")
    gate_margin: float = setting(0.05, "Not worse means: the 95 % interval excludes a loss of this and more.")
    gate_queries: int = setting(
        20, "With fewer queries whose order can matter, a set is undecided, unless it shows a loss."
    )
    gate_exclude: str = setting(
        "queries",
        "Which dev queries are left out: queries whose text was trained on; documents: also those with a relevant "
        "document that was relevant in the training; none.",
        choices=EXCLUDED,
    )
    gate_record: bool = setting(
        True, "Pass a model only if the texts that it was trained on are known, so that overlap is ruled out."
    )
    gate_cache: str | None = setting(
        None, "The folder in which scores are kept for the next time; resift's own cache folder if not given."
    )

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        for name in ("gate_tolerance", "gate_margin"):
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                raise SettingsError(f"{value} is out of range; expected 0 or more, and below 1", name)
        if self.gate_margin <= self.gate_tolerance:
            raise SettingsError(
                f"{self.gate_margin} is not above the tolerance; expected more than {self.gate_tolerance}",
                "gate_margin",
            )
        if self.gate_queries < 1:
            raise SettingsError(f"{self.gate_queries} is below 1; expected 1 or more", "gate_queries")
        for name, known in (("gate_measure", MEASURES), ("gate_exclude", EXCLUDED)):
            if getattr(self, name) not in known:
                raise SettingsError(f"{getattr(self, name)!r} is not known; expected one of {', '.join(known)}", name)
