"""Find and read the folder of a model by its name: embedded in the package, on the disk, or on the Hugging Face Hub."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from resift.rerank.scorers.hub import REPOSITORY, fetch
from resift.rerank.scorers.model_folder import ModelFolder, read_folder
from resift.rerank.scorers.recommended import similar_model
from resift.rerank.scorers.registry import DEFAULT_MODEL, MODELS, NO_MODEL
from resift.rerank.scorers.server_address import is_address
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.errors import ModelError

EMBEDDED_FOLDER = Path(__file__).parents[1] / "models"
"""The folder of the models in the package."""

_HUB_NAME = re.compile(REPOSITORY.pattern + r"(@(?!.*\.\.)[\w./-]+)?")


def open_folder(model: str | Path | ModelFolder, settings: ScorerSettings, name: str | None = None) -> ModelFolder:
    """Return the contents of the folder of `model`, a name or a path as in `find_folder`, or a folder already read.

    `name` is the model's name in error messages; `model`'s own if not given. Raises ModelError and SettingsError as
    `find_folder` and `read_folder` do.
    """
    if isinstance(model, ModelFolder):
        return replace(model, name=name) if name else model
    return read_folder(find_folder(str(model), settings), name or str(model))


def find_folder(model: str, settings: ScorerSettings) -> Path:
    """Return the folder of `model` on this machine; a Hugging Face model is downloaded unless it is in the cache.

    `model` is the name of an embedded model, a folder, or a Hugging Face name. Raises ModelError if the model is not
    found or cannot be downloaded, and SettingsError if name and settings give two different revisions.
    """
    if model == "default" or model in MODELS:
        folder = EMBEDDED_FOLDER / MODELS[DEFAULT_MODEL if model == "default" else model]
        if not folder.is_dir():
            raise ModelError("the embedded model is missing in this installation; install resift from its wheel", model)
        return folder
    if model == NO_MODEL:
        raise ModelError("this means that no model is used; pass None as the reranker, or name a model", model)
    if is_address(model):
        raise ModelError(
            "this is a model on a server, which can score but has no files here; name a folder or a Hugging Face name",
            model,
        )
    path = _existing(model)
    if path is not None:
        if path.is_dir():
            return path
        raise ModelError("this is a file; expected the folder that contains it", model)
    if _HUB_NAME.fullmatch(model):
        return fetch(model, settings)
    raise ModelError(
        f"no model has this name{similar_model(model)}; expected default, {', '.join(MODELS)}, none, a folder, a "
        "Hugging Face name (org/name or org/name@revision), or the address of a server: `resift models` lists some",
        model,
    )


def _existing(model: str) -> Path | None:
    """Return `model` as a path, or None if the path does not exist or is not valid."""
    try:
        path = Path(model).expanduser()
        return path if model and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, an unknown home directory, a null character
        return None
