"""From a model's name to its folder on this machine: embedded, on the disk, or of the hub."""

from __future__ import annotations

import re
from pathlib import Path

from resift.rerank.scorers.hub import fetch
from resift.rerank.scorers.registry import DEFAULT_MODEL, MODELS
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.errors import ModelError

_EMBEDDED = Path(__file__).parents[1] / "models"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@(?!.*\.\.)[\w./-]+)?")


def find_folder(model: str, settings: ScorerSettings) -> Path:
    """Return the folder of `model` on this machine; a Hugging Face name is fetched. Raises ModelError."""
    if model == "default" or model in MODELS:
        folder = _EMBEDDED / MODELS[DEFAULT_MODEL if model == "default" else model]
        if not folder.is_dir():
            raise ModelError("this installation lacks the embedded model; install resift from its wheel", model)
        return folder
    path = _existing(model)
    if path is not None:
        if path.is_dir():
            return path
        raise ModelError("this is a file; expected the folder that holds it", model)
    if _HUB_NAME.fullmatch(model):
        return fetch(model, settings)
    raise ModelError(
        f"no such model; known are default, {', '.join(MODELS)} and none, and accepted are a folder "
        "and a Hugging Face name (org/name or org/name@revision)",
        model,
    )


def _existing(model: str) -> Path | None:
    """Return the path that `model` names, or None where there is nothing or it cannot be a path."""
    try:
        path = Path(model).expanduser()
        return path if model and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, no such home, a null character
        return None
