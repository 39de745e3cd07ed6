"""The test factories of the scorer registry: how a small model gets the weights that each backend runs.

A new row of `BACKENDS` needs a row in `WEIGHTS`; the rows of `MODELS` are loaded by their names. `REMOTE` is tested
against a server in the test's process that scores by a small model.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from resift.rerank.scorers.load import load_scorer
from resift.rerank.scorers.ranking_model import RankingModel
from resift.rerank.scorers.settings import ScorerSettings
from tests.rerank.scorers.remote.servers import resift_routes, serving
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

    def load(self, max_length: int | None = None, batch_tokens: int | None = None) -> RankingModel:
        """Return the model on the CPU with one thread."""
        settings = ScorerSettings(
            backend=self.backend, device="cpu", threads=1, max_length=max_length, batch_tokens=batch_tokens
        )
        return load_scorer(self.name, settings)


@dataclass(frozen=True, slots=True)
class ServedModel(Model):
    """A model of this process on a server, with the name that is the server's address, until `servers` is closed."""

    served: Model
    servers: ExitStack

    @classmethod
    def start(cls, served: Model, servers: ExitStack) -> ServedModel:
        """Start a server for `served`."""
        return cls(_serve(served.load(), servers), "auto", served, servers)

    def load(self, max_length: int | None = None, batch_tokens: int | None = None) -> RankingModel:
        """Return the client of the server, or of one more whose model has these limits."""
        if max_length is None and batch_tokens is None:
            return load_scorer(self.name)
        return load_scorer(_serve(self.served.load(max_length, batch_tokens), self.servers))


def _serve(scorer: RankingModel, servers: ExitStack) -> str:
    return servers.enter_context(serving(resift_routes(scorer))).url
