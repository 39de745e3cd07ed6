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

    measure: str = setting("ndcg@10", "The measure by which the gate compares.", choices=MEASURES, flag="gate_measure")
    tolerance: float = setting(
        0.002, "A mean loss of at most this is accepted, even if it is certain.", flag="gate_tolerance"
    )
    margin: float = setting(
        0.05, "Not worse means that the interval excludes a loss of this and more.", flag="gate_margin"
    )
    least_queries: int = setting(
        20, "With fewer queries that can differ, a set is undecided, unless it shows a loss.", flag="gate_queries"
    )
    exclude: str = setting(
        "queries",
        "Dev queries that the gate leaves out: queries whose text was trained on; documents: also those with a "
        "relevant document that was relevant in the training; none.",
        choices=EXCLUDED,
        flag="gate_exclude",
    )
    require_record: bool = setting(
        True,
        "Pass only a model whose training texts are known, so that overlap with the dev sets is ruled out.",
        flag="gate_record",
    )
    cache: str | None = setting(
        None,
        "The folder of scores kept between runs of the gate; resift's cache folder if not given.",
        flag="gate_cache",
    )

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        for name in ("tolerance", "margin"):
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                raise SettingsError(f"{value} is not from 0 to below 1", name)
        if self.margin <= self.tolerance:
            raise SettingsError(f"{self.margin} is not above the tolerance, {self.tolerance}", "margin")
        if self.least_queries < 1:
            raise SettingsError(f"{self.least_queries} is below 1; expected 1 or more", "least_queries")
        if self.measure not in MEASURES:
            raise SettingsError(f"{self.measure!r} is not known; expected one of {', '.join(MEASURES)}", "measure")
        if self.exclude not in EXCLUDED:
            raise SettingsError(f"{self.exclude!r} is not known; expected one of {', '.join(EXCLUDED)}", "exclude")
