"""What a training of students has done so far: plain values, which a checkpoint keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Progress:
    """Counts and values of a training, equal for all its students but for the values.

    `pairs`: that each student has read; `tokens`: without padding; `seconds`: of training. `cursor`: that of the
    drawing. `log`: a row for each stretch of steps, with the mean of each term of the loss by student. `curve`: a row
    for each measurement on the held-out queries, with the agreement by student.
    """

    step: int = 0
    pairs: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cursor: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the values as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Progress:
        """Return the progress that `to_json` wrote. Raises TypeError if it is not one."""
        return cls(**values)
