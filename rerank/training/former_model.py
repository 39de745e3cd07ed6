"""Remove what a model's folder has of a former model, before another one is written into it."""

from __future__ import annotations

import shutil
from pathlib import Path

_WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "*.onnx", "*.onnx_data")
_MEASURED = ("resift.json", "proof.json", "training.json", "distillation.json", "training_texts.npz", "README.md")


def remove_former_model(folder: Path) -> None:
    """Remove the weights and graphs in `folder`, and what was recorded and measured of them; other files stay.

    A graph that stayed beside new weights would be what a search without torch runs. Raises OSError.
    """
    for pattern in _WEIGHTS:
        for path in folder.glob(pattern):
            path.unlink()
    for name in _MEASURED:
        (folder / name).unlink(missing_ok=True)
    if (folder / "onnx").is_dir():
        shutil.rmtree(folder / "onnx")
