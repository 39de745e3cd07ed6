"""Which scorers there are: tables of names, and the one way to load any of them.

A new backend is one file and one row in `BACKENDS`; a new embedded model is one folder and one row in `MODELS`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import ModelError, SettingsError
from retrieval.settings import setting

if TYPE_CHECKING:
    from rerank.predictor import Predictor

BACKENDS = {
    "torch": "rerank.cross_encoder:CrossEncoder",
    "onnx": "rerank.onnx:OnnxCrossEncoder",
}
"""Backend -> "module:Class"; the class takes (folder, settings, name)."""

MODELS = {"resift-minilm-l3": "models/resift-minilm-l3"}
"""Name of an embedded model -> its folder, beside this file."""

MOST_THREADS = 512

DEFAULT_MODEL = "resift-minilm-l3"

CPU_BATCH_TOKENS = 1024
"""What a CPU's caches take: 512 and 1024 were fastest on MiniLM and BERT-tiny (scripts/bench_rerank.py)."""

GPU_BATCH_TOKENS = 65536

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@(?!.*\.\.)[\w./-]+)?")


@dataclass(frozen=True, slots=True)
class ScorerSettings:
    """Which model scores, where it runs and how much at once."""

    model: str = setting(
        DEFAULT_MODEL, "The model: resift-minilm-l3, a folder, a Hugging Face name (org/name or org/name@rev), or none."
    )
    revision: str | None = setting(None, "The branch, tag or commit of a Hugging Face model; the newest if not given.")
    backend: str = setting(
        "auto", "What runs the model: auto takes what the folder holds.", choices=("auto", *BACKENDS)
    )
    device: str = setting("auto", "Where it runs: auto, cpu, cuda, cuda:1 or mps.")
    dtype: str = setting(
        "auto",
        "The precision of a torch model: auto is bfloat16 or float16 on a GPU and float32 elsewhere.",
        choices=("auto", "float32", "float16", "bfloat16"),
    )
    max_length: int | None = setting(None, "The longest pair in tokens; what the model's folder says if not given.")
    batch_tokens: int | None = setting(
        None,
        "The most tokens in a batch, padding counted; "
        f"{CPU_BATCH_TOKENS} on a CPU and {GPU_BATCH_TOKENS} on a GPU if not given.",
    )
    threads: int | None = setting(None, "CPU threads of the model; all cores if not given.")
    offline: bool = setting(False, "Never ask the network for a model; use the local cache alone.")
    model_cache: str | None = setting(None, "The folder of downloaded models; Hugging Face's own cache if not given.")

    def __post_init__(self) -> None:
        """Refuse values that cannot be used."""
        for name in ("max_length", "batch_tokens", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{value} is below 1", name)
        if self.threads is not None and self.threads > MOST_THREADS:
            raise SettingsError(
                f"{self.threads} is above {MOST_THREADS}; more threads than cores only slow it", "threads"
            )
        if self.backend not in ("auto", *BACKENDS):
            raise SettingsError(f"{self.backend!r} is not known; expected auto, {', '.join(BACKENDS)}", "backend")
        if self.dtype not in ("auto", "float32", "float16", "bfloat16"):
            raise SettingsError(f"{self.dtype!r} is not known; expected auto, float32, float16 or bfloat16", "dtype")


def load_scorer(model: str, settings: ScorerSettings | None = None) -> Predictor:
    """Return the scorer that `model` names, with `settings` (the defaults where none are given).

    `model` is the name of an embedded model ("default" or a row of `MODELS`), a folder, or a Hugging Face name such
    as "org/name@revision". A folder runs on torch where it holds safetensors and on ONNX Runtime where it holds
    model.onnx alone, unless the settings name a backend. Raises ModelError and SettingsError.
    """
    settings = settings or ScorerSettings()
    folder = find_folder(model, settings)
    backend = settings.backend if settings.backend != "auto" else choose_backend(folder, model)
    module, name = BACKENDS[backend].split(":")
    found: Callable[[Path, ScorerSettings, str], Predictor] = getattr(importlib.import_module(module), name)
    return found(folder, settings, model)


def find_folder(model: str, settings: ScorerSettings) -> Path:
    """Return the folder of `model` on this machine; a Hugging Face name is fetched. Raises ModelError."""
    if model == "default" or model in MODELS:
        folder = Path(__file__).parent / MODELS[DEFAULT_MODEL if model == "default" else model]
        if not folder.is_dir():
            raise ModelError("this installation lacks the embedded model; install resift from its wheel", model)
        return folder
    path = _existing(model)
    if path is not None:
        if path.is_dir():
            return path
        raise ModelError("this is a file; expected the folder that holds it", model)
    if _HUB_NAME.fullmatch(model):
        from rerank.hub import fetch

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


def choose_backend(folder: Path, name: str) -> str:
    """Return the backend for what `folder` holds: safetensors go to torch, model.onnx to ONNX Runtime.

    A folder with both goes to torch where that is installed.
    """
    from rerank.folder import read_folder

    found = read_folder(folder, name)
    if found.safetensors and found.onnx and find_spec("torch") is None:
        return "onnx"
    if found.safetensors:
        return "torch"
    if found.onnx:
        return "onnx"
    pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
    why = "its weights are a pickle, which can run code and is refused" if pickled else "it holds no weights"
    raise ModelError(f"{why}; expected model.safetensors or model.onnx", name)
