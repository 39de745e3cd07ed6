"""Load a scorer by name, whichever backend runs it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from resift.rerank.scorers.lookup import find_folder
from resift.rerank.scorers.model_folder import read_folder
from resift.rerank.scorers.registry import BACKENDS
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.errors import ModelError

if TYPE_CHECKING:
    from resift.rerank.scorers.predictor import Predictor


def load_scorer(model: str, settings: ScorerSettings | None = None) -> Predictor:
    """Return the scorer for `model`, with `settings` (the defaults if not given).

    `model` is the name of an embedded model ("default" or a row of `MODELS`), a folder, or a Hugging Face name such
    as "org/name@revision". The backend is the one in the settings; "auto" takes that of `choose_backend`. Raises
    ModelError if the model cannot be found, loaded or run, and SettingsError if a setting does not fit the model or
    this machine.
    """
    settings = settings or ScorerSettings()
    folder = find_folder(model, settings)
    backend = settings.backend if settings.backend != "auto" else choose_backend(folder, model)
    module, name = BACKENDS[backend].split(":")
    found: Callable[[Path, ScorerSettings, str], Predictor] = getattr(importlib.import_module(module), name)
    return found(folder, settings, model)


def choose_backend(folder: Path, name: str) -> str:
    """Return the backend for the weights in `folder`: "torch" for safetensors, "onnx" for model.onnx.

    If the folder contains both, the backend is "torch" if torch is installed, else "onnx". `name` is the model's name
    in error messages. Raises ModelError if the folder contains neither, or its configuration cannot be read.
    """
    found = read_folder(folder, name)
    if found.safetensors and found.onnx and find_spec("torch") is None:
        return "onnx"
    if found.safetensors:
        return "torch"
    if found.onnx:
        return "onnx"
    pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
    why = "its weights are a pickle, which can run code and is refused" if pickled else "the folder contains no weights"
    raise ModelError(f"{why}; expected model.safetensors or model.onnx", name)
