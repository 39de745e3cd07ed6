"""Load a scorer by name, whichever backend runs it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from resift.rerank.scorers.lookup import open_folder
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.registry import BACKENDS, REMOTE
from resift.rerank.scorers.server_address import is_address
from resift.rerank.scorers.settings import ScorerSettings

if TYPE_CHECKING:
    from resift.rerank.scorers.ranking_model import RankingModel


def load_scorer(model: str | None = None, settings: ScorerSettings | None = None) -> RankingModel:
    """Return the scorer for `model`, with `settings` (the defaults if not given).

    `model` is the name of an embedded model ("default" or a row of `MODELS`), a folder, a Hugging Face name such as
    "org/name@revision", or the address of a server such as "http://localhost:8080". If it is not given, the model is
    that of `settings`; if it is, `settings.model` is not used. The backend is the one in the settings; "auto" takes
    that of `choose_backend`. Raises ModelError if the model cannot be found, loaded or run, or its server cannot be
    reached, and SettingsError if a setting does not fit the model or this machine.
    """
    settings = settings or ScorerSettings()
    model = settings.model if model is None else model
    if is_address(model):
        return _load_class(REMOTE)(model, settings)
    folder = open_folder(model, settings)
    backend = settings.backend if settings.backend != "auto" else choose_backend(folder)
    return _load_class(BACKENDS[backend])(folder, settings)


def read_facts(model: str, settings: ScorerSettings) -> ModelFolder:
    """Return what is known of `model` without loading it: the contents of its folder, or what its server says.

    The folder of a model on a server does not exist, and what the server does not say is missing in it. Raises
    ModelError and SettingsError as `load_scorer` does.
    """
    return _ask(model, settings) if is_address(model) else open_folder(model, settings)


@lru_cache(maxsize=8)
def _ask(address: str, settings: ScorerSettings) -> ModelFolder:
    """Return what a server says of its model; it is asked once."""
    return _load_class(REMOTE)(address, settings).folder


def _load_class(target: str) -> Callable[[Any, ScorerSettings], RankingModel]:
    """Import and return the class of a row of the registry, "module:Class"."""
    module, name = target.split(":")
    found: Callable[[Any, ScorerSettings], RankingModel] = getattr(importlib.import_module(module), name)
    return found


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
