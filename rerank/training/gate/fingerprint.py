"""Identify a model by what determines its scores, and data by its content: keys of what the gate keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from resift.rerank.scorers.hub import CONFIGURATION
from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.settings import ScorerSettings
from resift.retrieval.file_hash import sha256_of

_WEIGHTS = (
    "model*.safetensors",
    "model*.safetensors.index.json",
    "*.onnx",
    "*.onnx_data",
    "onnx/*.onnx*",
    "[0-9]*_*/*",
)
_WITHOUT_EFFECT = frozenset({"README.md", "resift.json", "proof.json"})


def model_key(folder: ModelFolder, settings: ScorerSettings) -> str:
    """Return a key of 32 hexadecimal digits: the same for two folders whose models give the same scores.

    It is a hash of the weights, of the configuration and of the tokenizer, of the settings that change scores, and of
    the version of resift. A card, or the fusion in resift.json, does not change them. Raises OSError if a file cannot
    be read.
    """
    files = {folder.path / name for name in CONFIGURATION if name not in _WITHOUT_EFFECT}
    files |= {path for pattern in _WEIGHTS for path in folder.path.glob(pattern)}
    facts = (settings.backend, settings.device, settings.dtype, str(settings.max_length), version("resift"))
    return content_key(folder.path, (path for path in files if path.is_file()), facts)


def weights_key(folder: Path) -> str:
    """Return a key of 32 hexadecimal digits of the weights alone: safetensors, or the ONNX files if there are none.

    A verdict of the gate is for these weights: an ONNX file that is exported beside them proves itself. Raises OSError.
    """
    for patterns in (_WEIGHTS[:2], _WEIGHTS[2:5]):
        files = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
        if files:
            return content_key(folder, files)
    return ""


def content_key(root: Path, files: Iterable[Path], facts: Iterable[str] = ()) -> str:
    """Return a key of 32 hexadecimal digits of the content and the names below `root` of `files`, and of `facts`.

    Raises OSError if a file cannot be read.
    """
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path.relative_to(root).as_posix()}\0{sha256_of(path)}\0".encode())
    for fact in facts:
        whole.update(f"{fact}\0".encode())
    return whole.hexdigest()[:32]
