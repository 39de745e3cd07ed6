"""The settings of an export; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from resift.retrieval.errors import SettingsError
from resift.retrieval.settings import setting

PROOF_PAIRS = 32
"""Pairs of the proof of an int8 graph; the least that an export takes."""

EXPORT_PAIRS = 600
"""Pairs that a training gives to the export of its model: int8 is fitted on some of them, and compared on others."""


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Which files an export writes, and on how many pairs int8 is fitted and checked."""

    int8_only: bool = setting(
        False, "Write int8 ONNX alone, as model.onnx: the smallest folder, which resift runs without torch."
    )
    calibration_pairs: int = setting(
        192, "The most pairs on which the ranges of int8 are determined; they are taken evenly from those given."
    )
    parity_pairs: int = setting(96, "The most pairs on which the exported graphs are compared with torch.")
    least_order: float = setting(
        0.9, "The least share of pairs of documents that int8 has to put in the same order as float32."
    )

    def __post_init__(self) -> None:
        """Check the values. Raises SettingsError if one cannot be used."""
        for name in ("calibration_pairs", "parity_pairs"):
            if getattr(self, name) < PROOF_PAIRS:
                raise SettingsError(f"{getattr(self, name)} pairs are too few; expected {PROOF_PAIRS} or more", name)
        if not 0 <= self.least_order <= 1:
            raise SettingsError(f"{self.least_order} is not a share; expected 0 to 1", "least_order")
