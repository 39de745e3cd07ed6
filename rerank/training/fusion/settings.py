"""The settings of fitting a fusion; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """On how many queries a fusion is fitted, and how finely."""

    tune_sample: int | None = setting(
        None, "How many queries of each set are scored, always the same ones; all if not given."
    )
    tune_step: float = setting(0.05, "The step between the weights that are tried, from 0 to 1.")
    tune_folds: int = setting(5, "Into how many parts the queries are divided, each measured with the others' weight.")
    tune_repeats: int = setting(4, "How often the queries are divided anew; more gives smoother estimates.")
    tune_cache: str | None = setting(
        None, "The folder in which scores are kept for the next time; that of `resift gate` if not given."
    )

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        if self.tune_sample is not None and self.tune_sample < 2:
            raise SettingsError(f"{self.tune_sample} is below 2; expected 2 queries or more", "tune_sample")
        if not 0.005 <= self.tune_step <= 0.5:
            raise SettingsError(f"{self.tune_step} is out of range; expected a number from 0.005 to 0.5", "tune_step")
        if abs(round(1 / self.tune_step) * self.tune_step - 1) > 1e-9:
            raise SettingsError(
                f"{self.tune_step} does not divide 1 into equal steps; expected for example 0.05", "tune_step"
            )
        if self.tune_folds < 2:
            raise SettingsError(f"{self.tune_folds} is below 2; expected 2 or more", "tune_folds")
        if not 1 <= self.tune_repeats <= 100:
            raise SettingsError(f"{self.tune_repeats} is out of range; expected 1 to 100", "tune_repeats")

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights that are tried, rising from 0 to 1."""
        steps = round(1 / self.tune_step)
        return tuple(round(step / steps, 6) for step in range(steps + 1))
