"""The test factories of the scorer registry: how a small model gets the weights that each backend runs.

A new row of `BACKENDS` needs a row in `WEIGHTS`; the rows of `MODELS` are loaded by their names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.predictor import Predictor
from resift.rerank.scorers.settings import ScorerSettings
from tests.rerank.scorers.small_models import export_onnx


def as_saved(folder: Path) -> Path:
    """Return the folder as it is: a saved model has safetensors, which torch runs."""
    return folder


WEIGHTS: dict[str, Callable[[Path], Path]] = {"torch": as_saved, "onnx": export_onnx}
"""Backend -> what adds its weights to the folder of a saved model."""

TOLERANCE = 1e-5
"""Largest difference of a float32 logit of the small models, which are between -10 and 10, between two backends or two
batches: a matrix product of other sizes adds its terms in another order."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model on a backend; `backend` is auto for a model of the package, which has one kind of weights."""

    name: str
    backend: str

    def load(self, max_length: int | None = None, batch_tokens: int | None = None) -> Predictor:
        """Return the model on the CPU with one thread."""
        settings = ScorerSettings(
            backend=self.backend, device="cpu", threads=1, max_length=max_length, batch_tokens=batch_tokens
        )
        return load_scorer(self.name, settings)
