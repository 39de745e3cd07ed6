"""Load a scorer by name, whichever backend runs it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from resift.rerank.scorers.lookup import open_folder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.registry import BACKENDS
from resift.rerank.scorers.settings import ScorerSettings

if TYPE_CHECKING:
    from resift.rerank.scorers.predictor import Predictor


def load_scorer(model: str | None = None, settings: ScorerSettings | None = None) -> Predictor:
    """Return the scorer for `model`, with `settings` (the defaults if not given).

    `model` is the name of an embedded model ("default" or a row of `MODELS`), a folder, or a Hugging Face name such
    as "org/name@revision". If it is not given, the model is that of `settings`; if it is, `settings.model` is not used.
    The backend is the one in the settings; "auto" takes that of `choose_backend`. Raises ModelError if the model cannot
    be found, loaded or run, and SettingsError if a setting does not fit the model or this machine.
    """
    settings = settings or ScorerSettings()
    folder = open_folder(settings.model if model is None else model, settings)
    backend = settings.backend if settings.backend != "auto" else choose_backend(folder)
    module, name = BACKENDS[backend].split(":")
    found: Callable[[ModelFolder, ScorerSettings], Predictor] = getattr(importlib.import_module(module), name)
    return found(folder, settings)


def choose_backend(folder: ModelFolder) -> str:
    """Return the backend for the weights in `folder`: "torch" for safetensors, "onnx" for model.onnx.

    If the folder contains both, the backend is "torch" if torch is installed, else "onnx". Raises ModelError if the
    folder contains neither.
    """
    if folder.safetensors and folder.onnx and find_spec("torch") is None:
        return "onnx"
    if folder.safetensors:
        return "torch"
    if folder.onnx:
        return "onnx"
    pickled = any(folder.path.glob("*.bin")) or any(folder.path.glob("*.pt"))
    why = "its weights are a pickle, which can run code and is refused" if pickled else "the folder contains no weights"
    raise folder.error(f"{why}; expected model.safetensors or model.onnx")
