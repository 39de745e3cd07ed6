"""Write the default model with float32 weights in the hub's layout, which the peers can load.

``python -m scripts.bench_serve.peer_model TARGET`` is a process of its own, so that torch is not in the measuring one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from resift.rerank.scorers.lookup import open_folder
from resift.rerank.scorers.settings import ScorerSettings
from resift.rerank.training.dequantize import dequantize_folder


def write_model(target: Path, model: str = "default") -> Path:
    """Write the weights of which the int8 graph of an embedded model was made, up to its rounding. Raises ModelError.

    The activation in its config.json is left out, so that the peers apply theirs, the sigmoid, as the service does.
    """
    folder = open_folder(model, ScorerSettings(offline=True))
    written = dequantize_folder(folder.path, folder.path / "model.onnx", target)
    config = json.loads((written / "config.json").read_text(encoding="utf-8"))
    config.pop("sentence_transformers", None)
    (written / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return written


if __name__ == "__main__":
    write_model(Path(sys.argv[1]))
