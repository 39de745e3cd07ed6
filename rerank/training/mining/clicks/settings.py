"""The settings of judging results by clicks."""

from __future__ import annotations

from dataclasses import dataclass

from resift.rerank.ubi_records import plain_action
from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

POSITION_BIAS = ("estimate", "inverse-rank", "none")


@dataclass(frozen=True, slots=True)
class ClickSettings:
    """What counts as a click, how position bias is corrected, and from when on a result counts as good or bad."""

    click_actions: str = setting(
        "click,click_through,add_to_cart,purchase",
        "The actions of UBI events that count as a click, separated by commas.",
    )
    position_bias: str = setting(
        "estimate",
        "How likely a result is looked at: estimate it from results that were shown at several positions, take 1/rank, "
        "or none: everywhere the same.",
        choices=POSITION_BIAS,
    )
    propensity_floor: float = setting(
        0.05, "The least probability that a result is looked at; clicks further down do not count more than by this."
    )
    min_impressions: int = setting(10, "How often a query must have been searched to be used.")
    min_clicks: int = setting(2, "How many clicks a result needs to count as positive.")
    click_share: float = setting(
        0.5, "The attractiveness from which a result is positive, as a share of the query's most attractive one."
    )
    min_skips: int = setting(
        3, "How often a result must have been skipped, while one further down was clicked, to count as negative."
    )
    most_shown: int = setting(50, "How many results of a list are used; later ones were hardly looked at.")

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        if self.position_bias not in POSITION_BIAS:
            expected = ", ".join(POSITION_BIAS)
            raise SettingsError(f"{self.position_bias!r} is not known; expected {expected}", "position_bias")
        for name in ("propensity_floor", "click_share"):
            if not 0 < getattr(self, name) <= 1:
                raise SettingsError(
                    f"{getattr(self, name)} is out of range; expected a number above 0, at most 1", name
                )
        for name in ("min_impressions", "min_clicks", "min_skips", "most_shown"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{getattr(self, name)} is below 1; expected 1 or more", name)
        if not self.actions:
            raise SettingsError("names no action; expected for example click", "click_actions")

    @property
    def actions(self) -> frozenset[str]:
        """The names of the actions that count as a click, in the form of `plain_action`."""
        return frozenset(map(plain_action, filter(str.strip, self.click_actions.split(","))))
